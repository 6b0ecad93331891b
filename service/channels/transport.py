"""One pooled HTTP transport under both official clients: their own connect anew for each message, and wait for ever."""

import json
import os
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode, urlsplit, urlunsplit

import certifi
import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NameResolutionError, NewConnectionError, SSLError

from service.channels import Ambiguous, NotAccepted
from service.rules.retries import Patience

CONNECTIONS = 64
UNREADABLE = (ValueError, TypeError, LookupError, AttributeError)
"""What the official clients raise over an answer that is not of the shape they know."""


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    headers: Mapping[str, str]


class Transport:
    """A pool of kept connections. Made after the fork: children that share a connection get each other's answers."""

    def __init__(self, patience: Patience) -> None:
        bundle = os.environ.get("SSL_CERT_FILE") or os.environ.get("REQUESTS_CA_BUNDLE") or certifi.where()
        # reading some 140 certificates costs 40 ms: once a process, not once a connection
        context = ssl.create_default_context(cafile=bundle)
        self._deadline = patience.deadline
        timeout = urllib3.Timeout(connect=patience.to_connect, read=patience.to_answer)
        self._pool = urllib3.PoolManager(
            num_pools=4, maxsize=CONNECTIONS, retries=False, timeout=timeout, ssl_context=context
        )

    def call(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        """One request, never repeated, within the deadline.

        Raises NotAccepted where it certainly never arrived, Ambiguous where it may have.
        """
        ends = time.monotonic() + self._deadline
        try:
            response = self._pool.request(
                method, url, body=body, headers=dict(headers), redirect=False, preload_content=False
            )
        except (NewConnectionError, ConnectTimeoutError, NameResolutionError, SSLError) as error:
            raise NotAccepted(type(error).__name__) from error
        except (HTTPError, OSError) as error:
            raise Ambiguous(type(error).__name__) from error
        return Answer(response.status, _read(response, ends), response.headers)


def _read(response: urllib3.BaseHTTPResponse, ends: float) -> bytes:
    """The body. The read time-out is per packet, so a trickle is cut off here."""
    parts = []
    try:
        while part := response.read1(65_536):
            parts.append(part)
            if time.monotonic() > ends:
                response.close()
                raise Ambiguous("SlowBody")
    except (HTTPError, OSError) as error:
        raise Ambiguous(type(error).__name__) from error
    response.release_conn()
    return b"".join(parts)


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
