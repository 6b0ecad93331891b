"""The first to see a request, in one event loop: it waits for the body, takes Twilio's plain reports, and hands all
else to Flask's threads."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from granian.rsgi import HTTPProtocol, Scope

from service.flows.settle import Report
from service.web import bridge
from service.web.bodies import Bodies, Refused
from service.web.intake import Intake
from service.web.status_door import StatusDoor

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

THREADS = 16
REFUSED = "groupkeeper.refused"
"""In the environment of a request that Flask is to refuse: the status that says why."""


class Front:
    def __init__(self, app: "WSGIApplication", door: StatusDoor, intake: Intake, headers: Mapping[str, str]) -> None:
        self._app, self._door, self._intake, self._bodies = app, door, intake, Bodies()
        self._headers = [*headers.items(), ("Cache-Control", "no-store")]
        self._threads = ThreadPoolExecutor(THREADS, "pages")

    async def __rsgi__(self, scope: Scope, proto: HTTPProtocol) -> None:
        try:
            body = await self._bodies.read(scope, proto)
        except Refused as refused:
            return await self._hand_on(scope, proto, b"", refused.status)
        try:
            report = self._door.report(scope, body)
            if report is not None:
                await self._settle(report, proto)
            else:
                await self._hand_on(scope, proto, body)
        finally:
            self._bodies.release(body)

    def __rsgi_del__(self, _: asyncio.AbstractEventLoop) -> None:
        self.close()

    def close(self) -> None:
        """Its threads end when they have done what they have in hand."""
        self._threads.shutdown()
        self._intake.close()

    async def _settle(self, report: Report, proto: HTTPProtocol) -> None:
        try:
            await self._intake.take(report)
        except Exception:  # it has been logged; the provider comes again
            proto.response_empty(503, self._headers)
        else:
            proto.response_empty(204, self._headers)

    async def _hand_on(self, scope: Scope, proto: HTTPProtocol, body: bytes, refused: int = 0) -> None:
        environ = bridge.environ_of(scope, body)
        if refused:
            environ[REFUSED] = refused
        made = await asyncio.get_running_loop().run_in_executor(self._threads, bridge.answer, self._app, environ)
        proto.response_bytes(made.status, made.headers, made.body)
