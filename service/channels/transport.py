"""One pooled HTTP transport under both official clients: their own connect anew for each message, and wait for ever."""

import json
import os
import ssl
import time
from collections.abc import Mapping
from datetime import timedelta
from functools import lru_cache
from urllib.parse import urlencode, urlsplit, urlunsplit

import certifi

from service.channels import Ambiguous, HeldUp, NotAccepted
from service.channels.connections import BROKEN, Answer, Connections, Origin
from service.channels.side_by_side import may_ask
from service.rules.retries import Patience

UNREADABLE = (ValueError, TypeError, LookupError, AttributeError)
"""What the official clients raise over an answer that is not of the shape they know."""


class Transport:
    """A pool of kept connections. Made after the fork: children that share a connection get each other's answers."""

    def __init__(self, patience: Patience) -> None:
        bundle = os.environ.get("SSL_CERT_FILE") or os.environ.get("REQUESTS_CA_BUNDLE") or certifi.where()
        # reading some 140 certificates costs 40 ms: once a process, not once a connection
        context = ssl.create_default_context(cafile=bundle)
        self._deadline = patience.deadline
        self._connections = Connections(patience.to_connect, context)

    def call(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        """One request, never repeated, within the deadline. No redirect is followed, no proxy asked.

        Raises NotAccepted where it certainly never arrived, Ambiguous where it may have.
        """
        ends = time.monotonic() + self._deadline
        origin, target = _parts(url)
        request = _request(method, origin, target, headers, body or b"")
        try:
            connection = self._connections.take(origin)
        except (OSError, UnicodeError) as error:
            raise NotAccepted(type(error).__name__) from error
        if not may_ask():
            self._connections.put_back(origin, connection)
            raise HeldUp("held up for too long to ask")
        try:
            answer = connection.ask(request, ends)
        except BROKEN as error:
            connection.close()
            raise Ambiguous(type(error).__name__) from error
        self._connections.put_back(origin, connection)
        return answer


@lru_cache(64)
def _parts(url: str) -> tuple[Origin, str]:
    """Where to connect, and what to ask for there."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return (parts.scheme, parts.hostname or "", port), target


def _request(method: str, origin: Origin, target: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """Raises ValueError where a header would end early, and something else begin."""
    scheme, host, port = origin
    name = f"[{host}]" if ":" in host else host
    address = name if port == (443 if scheme == "https" else 80) else f"{name}:{port}"
    lines = [f"{method} {target} HTTP/1.1", f"Host: {address}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items() if name not in {"Host", "Content-Length"}]
    if any("\n" in line or "\r" in line for line in lines):
        raise ValueError("a header holds a line break")
    return "\r\n".join((*lines, "", "")).encode("latin-1") + body


def rebased(url: str, base: str | None, domain: str) -> str:
    """`url` on another server that speaks the same wire. Raises ValueError for a host that is not the provider's."""
    parts = urlsplit(url)
    if not (parts.hostname == domain or (parts.hostname or "").endswith("." + domain)):
        raise ValueError("credentials are for the provider only")
    if base is None:
        return url
    target = urlsplit(base)
    return urlunsplit((target.scheme, target.netloc, target.path.rstrip("/") + parts.path, parts.query, ""))


def form(data: Mapping[str, object] | None) -> bytes | None:
    return urlencode({k: v for k, v in data.items() if v is not None}, doseq=True).encode() if data else None


def retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """How long the provider asks us to wait, where it says so in seconds."""
    seconds = headers.get("Retry-After", "")
    return timedelta(seconds=min(int(seconds), 3600)) if seconds.isascii() and seconds.isdecimal() else None


def error_code(body: bytes) -> int | None:
    """Twilio's code in an error body, or None."""
    try:
        found = json.loads(body)
    except ValueError:
        return None
    code = found.get("code") if isinstance(found, dict) else None
    return code if isinstance(code, int) else None
