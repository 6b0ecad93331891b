"""Whose clock the phone shows: the practice's, which its pages name in their links to here, or the browser's own.

The sandbox knows of no practice. Where nobody has named a zone it is UTC, and the page says so.
"""

from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from zoneinfo import ZoneInfo

from sandbox.answers import Request

COOKIE = "phone_zone"
UTC = ZoneInfo("UTC")


def zone_of(request: Request) -> ZoneInfo:
    return _known(request.args.get("zone", "")) or _known(_kept(request)) or UTC


def keeping(request: Request) -> Mapping[str, str]:
    """The headers that keep what the link has named."""
    named = _known(request.args.get("zone", ""))
    return {"Set-Cookie": f"{COOKIE}={named.key}; Path=/; SameSite=Lax; Max-Age=31536000"} if named else {}


def said(zone: ZoneInfo) -> str:
    """UTC, or "New York time"."""
    return "UTC" if zone.key == "UTC" else f"{zone.key.rpartition('/')[2].replace('_', ' ')} time"


def _kept(request: Request) -> str:
    try:
        found = SimpleCookie(request.header("Cookie")).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


def _known(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name.isascii() else None
    except (KeyError, ValueError, OSError):
        return None
