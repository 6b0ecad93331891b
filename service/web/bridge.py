"""A request of granian's to a WSGI application, once its body is there."""

import io
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from granian.rsgi import Scope

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

ALIKE: Mapping[str, Any] = {
    "SCRIPT_NAME": "",
    "wsgi.errors": sys.stderr,
    "wsgi.input_terminated": True,  # not of PEP 3333: Werkzeug need not know the length
    "wsgi.multiprocess": True,
    "wsgi.multithread": True,
    "wsgi.run_once": False,
    "wsgi.version": (1, 0),
}
ONCE = ("content-type", "content-length")


@dataclass
class Answer:
    status: int = 500
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""


def answer(app: "WSGIApplication", environ: "WSGIEnvironment") -> Answer:
    """The application's whole answer: none of ours is longer than memory allows."""
    made = Answer()

    def start_response(status: str, headers: list[tuple[str, str]], _: object = None) -> Any:
        made.status, made.headers = int(status[:3]), headers

    pieces = app(environ, start_response)
    try:
        made.body = b"".join(pieces)
    finally:
        if hasattr(pieces, "close"):
            pieces.close()
    return made


def environ_of(scope: Scope, body: bytes) -> "WSGIEnvironment":
    server, client = _address(scope.server), _address(scope.client)
    return {
        **ALIKE,
        "REQUEST_METHOD": scope.method,
        "PATH_INFO": _as_bytes(scope.path),
        "QUERY_STRING": _as_bytes(scope.query_string),
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "SERVER_NAME": server[0],
        "SERVER_PORT": server[1],
        "REMOTE_ADDR": client[0],
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": io.BytesIO(body),
        "HTTP_HOST": scope.authority or "",
        **_headers(scope),
    }


def _headers(scope: Scope) -> dict[str, str]:
    """One that came more than once is one of many values, as HTTP says. One with an underscore is left out: to WSGI it
    would be another one's name, as `X_Forwarded_For` would be the proxy's own; nginx and gunicorn do the same."""
    found: dict[str, str] = {}
    for name, value in scope.headers.items():
        if "_" in name:
            continue
        if name in ONCE:
            found.setdefault(name.upper().replace("-", "_"), value)
            continue
        key = "HTTP_" + name.upper().replace("-", "_")
        between = "; " if name == "cookie" else ","
        found[key] = f"{found[key]}{between}{value}" if key in found else value
    return found


def _address(told: str) -> tuple[str, str]:
    host, _, port = told.rpartition(":")
    return host.strip("[]"), port


def _as_bytes(text: str) -> str:
    """Its bytes as letters, as WSGI has it."""
    return text.encode().decode("latin-1")
