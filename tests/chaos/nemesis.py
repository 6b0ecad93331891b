"""What goes wrong, and when: everything is drawn from the seed before the run begins."""

import random
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from redis import Redis
from redis.exceptions import RedisError

from sandbox.remote import Remote, SandboxError
from tests.chaos.arena import Arena, Process
from tests.chaos.evidence import Notebook, wait_for_database
from tests.chaos.profiles import HTTP_DEADLINE, LEASE

HANGS = HTTP_DEADLINE + 1
LATE = 2 * HTTP_DEADLINE
TARGETS = {"worker": 6, "clock": 3, "web": 1}
"""How often each is killed, for one another."""
Act = Callable[[], None]

REFUSED = [
    ("http_429_json", 0.02, {}),
    ("http_429_json", 0.01, {"retry_after": 1}),
]
LOST_BEFORE = [
    ("http_5xx", 0.02, {"status": 500, "accepted": False}),
    ("reset_before_accept", 0.01, {}),
    ("timeout_before_accept", 0.01, {"hold_s": HANGS}),
]
ACCEPTED = [
    ("http_5xx", 0.02, {"status": 500, "accepted": True}),
    ("timeout_after_accept", 0.015, {"hold_s": HANGS}),
    ("reset_after_accept", 0.015, {}),
    ("accept_late", 0.005, {"delay_s": LATE}),
]
LOOKING = [("api_list_down", 0.1, {}), ("list_stale", 0.1, {"lag_s": 1})]
CALLBACKS = [
    ("cb_duplicate", 0.25, {"n": 1}),
    ("cb_reorder", 0.25, {}),
    ("cb_drop", 0.05, {}),
    ("cb_delay", 0.1, {"delay_s": 0.5}),
    ("cb_delay", 0.1, {"delay_s": 2}),
    ("cb_bad_signature", 0.01, {}),
]
EVENTS = [("ev_duplicate", 0.25, {})]
OUTAGE = [{"fault": "http_5xx", "args": {"status": 503, "accepted": False}}]


@dataclass
class Nemesis:
    """Breaks the arena. Called from the main thread: it starts processes."""

    arena: Arena
    notebook: Notebook
    rng: random.Random

    def acts(self, began: float, length: float) -> list[tuple[float, Act]]:
        """What to do at which instant of a run that begins then and takes so many seconds."""
        profile, rng = self.arena.profile, self.rng
        kinds = sorted({one.name.partition("-")[0] for one in self.arena.service})

        def spread(count: int, margin: float) -> list[float]:
            """Instants, one in each equal part of the run, so far from its end."""
            part = (length - margin) / max(count, 1)
            return [began + (number + rng.random()) * part for number in range(count)]

        acts: list[tuple[float, Act]] = []
        for at in spread(profile.kills, 0):
            kind = rng.choices(kinds, [TARGETS[kind] for kind in kinds])[0]
            acts.append((at, lambda kind=kind: self.kill(kind)))
        for at in spread(profile.freezes, length / 2 if profile.freezes == 1 else LEASE + 2):
            who = rng.choice([one for one in self.arena.service if not one.name.startswith("web")])
            acts += [(at, lambda who=who: self.freeze(who)), (at + LEASE + 2, lambda who=who: self.thaw(who))]
        acts += [(at, self.flush) for at in spread(profile.flushes, 0)]
        for at in spread(profile.valkey_downs, profile.valkey_down_for):
            acts += [(at, self.take_valkey), (at + profile.valkey_down_for, self.bring_valkey)]
        if self.arena.cluster is not None:
            acts += [(at, self.restart_database) for at in spread(profile.database_restarts, 2)]
        lasts = length * profile.outage_share / max(profile.outages, 1)
        for number, at in enumerate(spread(profile.outages, 2 * lasts)):
            acts += self._outage(at, lasts, is_closed=number % 2 == 1)
        return acts

    def bring_faults(self) -> None:
        """Requests, look-ups and callbacks go wrong by chance from now on."""
        self._set_faults([])

    def rest(self) -> None:
        """Nothing more is broken: what is frozen goes on, Valkey is back, the provider is well."""
        for process in self.arena.service:
            self.thaw(process)
        if not self.arena.valkey.is_alive:
            self.bring_valkey()
        left = [] if self.arena.hears_callbacks else [{"fault": "cb_drop"}]
        self._tell(lambda remote: (remote.delete("faults"), remote.post("faults", left)))

    def kill(self, kind: str) -> None:
        """One of these that has come up; killing what is still loading would break nothing."""
        alive = [one for one in self.arena.service if one.name.startswith(kind) and one.is_alive]
        if alive:
            who = self.rng.choice([one for one in alive if one.is_up] or alive)
            self.notebook.write("kill", who=who.name, at=time.time())
            who.kill()

    def freeze(self, who: Process) -> None:
        self.notebook.write("freeze", who=who.name, at=time.time())
        who.is_frozen = True
        who.signal(signal.SIGSTOP)

    def thaw(self, who: Process) -> None:
        if who.is_frozen:
            who.signal(signal.SIGCONT)
            who.is_frozen = False
            self.notebook.write("thaw", who=who.name, at=time.time())

    def flush(self) -> None:
        with suppress(RedisError), Redis.from_url(self.arena.redis_url, socket_connect_timeout=1) as redis:
            redis.flushall()
            self.notebook.write("flush", at=time.time())

    def take_valkey(self) -> None:
        self.notebook.write("valkey_down", at=time.time())
        self.arena.valkey.kill()

    def bring_valkey(self) -> None:
        self.arena.valkey.start()
        self.notebook.write("valkey_up", at=time.time())

    def restart_database(self) -> None:
        began = time.time()
        self.arena.restart_database()
        threading.Thread(target=self._note_database, args=(began,), daemon=True).start()

    def _note_database(self, began: float) -> None:
        wait_for_database(self.arena.database_url)
        self.notebook.write("window", of="database", **{"from": began, "until": time.time()})

    def _outage(self, at: float, lasts: float, *, is_closed: bool) -> list[tuple[float, Act]]:
        """The provider answers 503 to everything, or to nobody at all."""

        def begin() -> None:
            self.notebook.write("window", of="provider", **{"from": time.time(), "until": time.time() + lasts})
            if is_closed:
                self._tell(lambda remote: remote.fault("connect_refused", args={"seconds": lasts}))
            else:
                self._set_faults(OUTAGE)

        return [(at, begin), (at + lasts + 0.2, self.bring_faults)]

    def _set_faults(self, first: list[dict[str, object]]) -> None:
        plans = [
            *first,
            *_plans(REFUSED + LOST_BEFORE + ACCEPTED),
            *_plans(LOOKING),
            *_plans(CALLBACKS if self.arena.hears_callbacks else [("cb_drop", 1.0, {})]),
            *_plans(EVENTS),
        ]
        self._tell(lambda remote: (remote.delete("faults"), remote.post("faults", plans)))

    def _tell(self, what: Callable[[Remote], object]) -> None:
        """The sandbox may be refusing connections itself."""
        for _ in range(100):
            try:
                what(Remote(self.arena.sandbox_url))
            except (OSError, SandboxError):
                time.sleep(0.05)
            else:
                return


def _plans(shares: list[tuple[str, float, dict[str, object]]], **match: str) -> list[dict[str, object]]:
    """Plans of which each breaks its share of everything, though each is asked only where those before it passed."""
    plans, left = [], 1.0
    for fault, share, args in shares:
        plans.append({"fault": fault, "match": match, "probability": share / left, "args": args})
        left -= share
    return plans
