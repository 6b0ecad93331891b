"""All that the sandbox knows, in one place. Who changes it holds the lock."""

import random
import threading
import time
from pathlib import Path
from typing import Any

from sandbox.clock import Agenda, Clock
from sandbox.config import Config
from sandbox.faults import Faults
from sandbox.ledger import Ledger, Ticket
from sandbox.lives import Lives
from sandbox.post import Post
from sandbox.sendgrid.mailroom import Mailroom
from sandbox.twilio.messages import Texts

HEX = "0123456789abcdef"
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
        self.begin(seed)

    def begin(self, seed: int | None) -> None:
        """Nothing has happened yet."""
        self.seed = seed
        self.rng = random.Random(seed)
        self.texts = Texts()
        self.mailroom = Mailroom()
        self.faults = Faults()
        self.lives = Lives()
        self.unknown: list[dict[str, str]] = []
        self.born = time.time()
        self.version = 1

    def start(self) -> None:
        self.agenda.start()
        self.post.start()

    def stop(self) -> None:
        self.agenda.stop()
        self.ledger.close()

    def changed(self, person: str | None = None) -> None:
        """Something happened that a person at the phone would see. Names the person whose list it goes on top of."""
        self.version += 1
        if person:
            self.lives.touch(person, self.clock.now())

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
