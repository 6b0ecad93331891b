"""All that the sandbox knows, in one place. Who changes it holds the lock."""

import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sandbox.behaviours import People
from sandbox.clock import Agenda, Clock
from sandbox.config import Config
from sandbox.faults.plans import Faults
from sandbox.ledger import Ledger, Ticket
from sandbox.lives import Lives
from sandbox.post import Post
from sandbox.sendgrid.mailroom import Mail, Mailroom
from sandbox.server import Door
from sandbox.twilio.messages import Text, Texts

Arrival = Callable[[Text | Mail, float], None]

URL_SAFE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


class World:
    """The clock, the ledger, the messages, the mail, and what is planned to go wrong."""

    def __init__(self, folder: Path, clock: Clock, seed: int | None = None, config: Config | None = None) -> None:
        self.folder = folder
        self.lock = threading.RLock()
        self.clock = clock
        self.config = config or Config()
        self.ledger = Ledger(folder)
        self.agenda = Agenda(clock)
        self.post = Post(self.ledger, clock)
        self.doors: list[Door] = []
        self.arrivals: list[Arrival] = []
        """Who is told when a message reaches its recipient."""
        self.begin(seed)

    def begin(self, seed: int | None) -> None:
        """Nothing has happened yet."""
        self.seed = seed
        self.rng = random.Random(seed)
        self.texts = Texts()
        self.mailroom = Mailroom()
        self.faults = Faults()
        self.lives = Lives()
        self.people = People()
        self.expectation: dict[str, Any] = {}
        self.unknown: list[dict[str, str]] = []
        self.born = time.time()
        self.version = 1

    def close_doors(self, seconds: float) -> None:
        """Refuse connections for some real seconds."""
        for door in self.doors:
            door.close_for(seconds)

    def break_handshakes(self, times: int) -> None:
        for door in self.doors:
            door.broken_handshakes += times

    def start(self) -> None:
        self.agenda.start()
        self.post.start()

    def stop(self) -> None:
        self.agenda.stop()
        self.post.stop()
        self.ledger.close()

    def changed(self, person: str | None = None) -> None:
        """Something happened that a person at the phone would see. Names the person whose list it goes on top of."""
        self.version += 1
        if person:
            self.lives.touch(person, self.clock.now())

    def arrived(self, message: Text | Mail, moment: float) -> None:
        """A message is in its recipient's hands."""
        for notice in self.arrivals:
            notice(message, moment)

    def new_sid(self, prefix: str) -> str:
        return prefix + f"{self.rng.getrandbits(128):032x}"

    def new_id(self, length: int) -> str:
        return "".join(self.rng.choices(URL_SAFE, k=length))

    def new_uuid(self) -> str:
        digits = f"{self.rng.getrandbits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:]}"

    def record(self, table: str, moment: float | None = None, **values: Any) -> Ticket:
        """Write a row, dated `moment` or now."""
        at = self.clock.now() if moment is None else moment
        return self.ledger.add(table, {"t_virtual": at, "t_real": time.time(), **values})
