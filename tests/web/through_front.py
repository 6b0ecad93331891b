"""The front in the place of the Flask app: granian's side is played here, so that a test client can call it."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any
from urllib.parse import unquote_to_bytes

from werkzeug.datastructures import Headers
from werkzeug.wrappers import Request

from service.web.front import Front


class RequestHeaders:
    def __init__(self, headers: Headers) -> None:
        self._all = [(name.lower(), value) for name, value in headers]

    def items(self) -> list[tuple[str, str]]:
        return self._all

    def get_all(self, name: str) -> list[str]:
        return [value for key, value in self._all if key == name]

    def get(self, name: str, default: Any = None) -> Any:
        return next(iter(self.get_all(name)), default)

    def __contains__(self, name: str) -> bool:
        return bool(self.get_all(name))


class Scope:
    proto, http_version, authority = "http", "1.1", None
    server, client = "127.0.0.1:8000", "127.0.0.1:50000"

    def __init__(self, request: Request) -> None:
        self.method, self.scheme = request.method, request.scheme
        self.path = unquote_to_bytes(request.path).decode("utf-8", "replace")
        self.query_string = request.query_string.decode()
        self.headers = RequestHeaders(request.headers)


class Exchange:
    """A body that comes, in these pieces, and the answer to it."""

    def __init__(self, pieces: Sequence[bytes] = (), pause: float = 0) -> None:
        self._pieces, self._pause = pieces, pause
        self.status, self.headers, self.body = 0, list[tuple[str, str]](), b""

    async def __call__(self) -> bytes:
        return b"".join([piece async for piece in self])

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in (*self._pieces, b""):
            await asyncio.sleep(self._pause)
            yield piece

    def response_empty(self, status: int, headers: list[tuple[str, str]]) -> None:
        self.status, self.headers = status, headers

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body


class ThroughFront:
    """A WSGI application whose requests pass the front, in a loop of its own."""

    def __init__(self, front: Front) -> None:
        self.front, self._loop = front, asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request, exchange = Request(environ), Exchange([environ["wsgi.input"].read()])
        call = self.front.__rsgi__(Scope(request), exchange)  # type: ignore[arg-type]
        asyncio.run_coroutine_threadsafe(call, self._loop).result(60)
        start_response(f"{exchange.status} -", exchange.headers)
        return [exchange.body]

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self.front.close()
