"""Calls people from the web's own process: no worker, no clock and no Valkey need be alive for it."""

import threading
from logging import getLogger

from service.flows.escalate import escalate, is_anything_due
from service.flows.post import Post
from service.wiring import Parts

log = getLogger(__name__)

LOOKS_EVERY = 5.0
"""Seconds between two looks without being told. With a clock alive there is nothing left to do by then."""


class Pager:
    """One thread of its own: the request that raises a flag never waits for a provider."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._told = threading.Event()
        self._post: Post | None = None

    def start(self) -> None:
        threading.Thread(target=self._run, name="pager", daemon=True).start()

    def wake(self) -> None:
        """Look at once. A hundred of these are one look."""
        self._told.set()

    def look(self) -> int:
        """Call whoever is to be called now. Returns how many pages were tried."""
        with self._parts.read_db() as db:
            if not is_anything_due(db, self._parts.clock()):
                return 0
        if self._post is None:  # the provider clients take a second to load: only once somebody is to be called
            self._post = self._parts.post()
        return escalate(self._post)

    def _run(self) -> None:
        while True:
            self._told.wait(LOOKS_EVERY)
            self._told.clear()
            try:
                while self.look():
                    pass
            except Exception:
                log.exception("nobody could be called")
