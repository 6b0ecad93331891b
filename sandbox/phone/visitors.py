"""Who may use the phone: a page of its own, never some other page in the same browser."""

import re
from urllib.parse import urlsplit

from sandbox.answers import Request

LOCAL = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d+)?")


def is_local(request: Request) -> bool:
    """Whether it was called by a local name. A name that was bent to this machine is not one."""
    return LOCAL.fullmatch(request.header("Host")) is not None


def may_write(request: Request) -> bool:
    """Whether a POST comes from our own page, or from a program: browsers always send an Origin."""
    if not is_local(request) or request.header("Sec-Fetch-Site") in ("cross-site", "same-site"):
        return False
    origin = request.header("Origin")
    return not origin or urlsplit(origin).netloc == request.header("Host")
