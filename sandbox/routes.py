"""Which path does what."""

import logging
import re
from typing import Any

from sandbox import control
from sandbox.answers import Answer, Request, Route, Serve
from sandbox.control.replies import BadRequestError
from sandbox.faults import requests as faulty
from sandbox.phone import pages as phone
from sandbox.phone.visitors import may_write
from sandbox.sendgrid import access as sendgrid_access
from sandbox.sendgrid import account, groups, lists, send
from sandbox.twilio import access as twilio_access
from sandbox.twilio import create, resources
from sandbox.twilio.refusals import RefusedError
from sandbox.world import World

log = logging.getLogger(__name__)

ACCOUNT = r"/2010-04-01/Accounts/(?P<account>AC[0-9a-fA-F]{32}|[^/]+)"
MESSAGE = ACCOUNT + r"/Messages/(?P<sid>[^/.]+)"

OPS: dict[Serve, tuple[str, str]] = {
    create.create: ("twilio", "create"),
    resources.list_messages: ("twilio", "list"),
    resources.fetch: ("twilio", "fetch"),
    resources.update: ("twilio", "update"),
    resources.delete: ("twilio", "delete"),
    send.send: ("sendgrid", "mail_send"),
}
"""What fault plans call these requests."""

_PATTERNS: list[Route] = [
    ("POST", ACCOUNT + r"/Messages\.json", create.create),
    ("GET", ACCOUNT + r"/Messages\.json", resources.list_messages),
    ("GET", MESSAGE + r"\.json", resources.fetch),
    ("POST", MESSAGE + r"\.json", resources.update),
    ("DELETE", MESSAGE + r"\.json", resources.delete),
    ("GET", MESSAGE + r"/Media\.json", resources.media),
    ("POST", r"/v3/mail/send", send.send),
    *lists.ROUTES,
    *groups.ROUTES,
    *account.ROUTES,
    *control.ROUTES,
    *phone.ROUTES,
]
ROUTES = [(method, re.compile(pattern), serve) for method, pattern, serve in _PATTERNS]


def respond(world: World, request: Request) -> Answer:
    """Answer one request. What nobody serves is counted, so that a test can fail on it."""
    path = re.sub(r"^/(twilio|sendgrid)(?=/(2010-04-01|v3)/)", "", request.path)
    request.path = path  # the addresses in an answer are the provider's own
    try:
        if path.startswith("/_sandbox/") and not may_write(request):
            return Answer.of_text(403, "Only programs on this machine may do this.")
        for method, pattern, serve in ROUTES:
            if method == request.method and (found := pattern.fullmatch(path)):
                return _served(world, request, serve, found.groupdict())
        return _unknown(world, request, path)
    except (RefusedError, BadRequestError) as refusal:
        return refusal.answer()
    except Exception:  # a bug of the sandbox: it must show up as one, not as a fault that was planned
        log.exception("the sandbox broke on %s %s", request.method, path)
        return Answer.of_text(500, "The sandbox broke. Its log says where.")


def _served(world: World, request: Request, serve: Serve, parts: dict[str, Any]) -> Answer:
    def accept() -> Answer:
        try:
            return serve(world, request, **parts)
        except (RefusedError, sendgrid_access.RefusedError) as refusal:
            return refusal.answer()

    provider, op = OPS.get(serve, ("", ""))
    plan = faulty.plan_for(world, provider, op, request) if op else None
    return faulty.broken(world, plan, provider, request, accept) if plan else accept()


def _unknown(world: World, request: Request, path: str) -> Answer:
    if path.startswith("/2010-04-01"):
        world.unknown.append({"method": request.method, "path": path})
        twilio_access.account_of(request)
        return RefusedError(20404, path).answer()
    if path.startswith("/v3"):
        world.unknown.append({"method": request.method, "path": path})
        return sendgrid_access.RefusedError(404, "not found").answer()
    return Answer.of_text(404, "There is nothing here. The phone is at /.")
