"""What is sent to us, read whole before anybody works on it: who sends slowly, or never ends, holds up nobody."""

import asyncio

from granian.rsgi import HTTPProtocol, ProtocolClosed, ProtocolError, Scope

LARGEST = 9_000_000
"""Bytes, of a page: a CSV of 10,000 rows."""
OF_WEBHOOKS = {
    "/webhooks/twilio/status": 1_000_000,
    "/webhooks/twilio/inbound": 1_000_000,  # a text of 100,000 characters
    "/webhooks/sendgrid/events": 2_000_000,  # SendGrid's largest batch
    "/webhooks/sendgrid/inbound": 32_000_000,  # a mail with its attachments
}
SMALL = 65_536
MOST = 100_000_000
"""Bytes of all that are larger than SMALL, while they come and are worked on."""
PATIENCE, SLOWEST = 10.0, 10_000
"""Seconds that a body may take, and one more for each so many bytes that have come."""


class Refused(Exception):
    """With the status that says why."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def largest(path: str) -> int:
    return OF_WEBHOOKS.get(path, LARGEST)


class Bodies:
    """Those of one process."""

    def __init__(self, patience: float = PATIENCE, most: int = MOST) -> None:
        self._patience, self._most, self._held = patience, most, 0

    async def read(self, scope: Scope, proto: HTTPProtocol) -> bytes:
        """Raises Refused. Of one that is too large only so much is read as shows it."""
        length = scope.headers.get("content-length")
        if length is None and "transfer-encoding" not in scope.headers:
            return b""
        try:
            if length is None:
                return await self._pieces(proto, largest(scope.path))
            return await self._whole(proto, int(length), largest(scope.path))
        except TimeoutError:
            raise Refused(408) from None
        except (ProtocolError, ProtocolClosed):
            raise Refused(400) from None  # whoever sent it has gone

    def release(self, body: bytes) -> None:
        """It has been worked on."""
        self._held -= _counted(len(body))

    def _hold(self, more: int) -> None:
        self._held += more
        if self._held > self._most:
            raise Refused(503)

    async def _whole(self, proto: HTTPProtocol, length: int, most: int) -> bytes:
        if length > most:
            return b""  # Flask sees by its length that it is
        if length > SMALL:
            return await self._pieces(proto, most)
        async with asyncio.timeout(self._patience):
            return await proto()

    async def _pieces(self, proto: HTTPProtocol, most: int) -> bytes:
        pieces, size, ends, is_whole = [], 0, 0, False
        began = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(self._patience) as limit:
                async for piece in proto:
                    pieces.append(piece)
                    size, ends = size + len(piece), ends + (not piece)
                    self._hold(_counted(size) - _counted(size - len(piece)))
                    limit.reschedule(began + self._patience + size / SLOWEST)
                    if size > most:
                        break
            is_whole = ends < 2  # granian ends with an empty piece; of what was broken off there is one more
        finally:
            if not is_whole:
                self._held -= _counted(size)
        if not is_whole:
            raise Refused(400)
        return b"".join(pieces)


def _counted(size: int) -> int:
    return size if size > SMALL else 0
