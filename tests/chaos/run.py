"""One run: the parts are started, the story is told while the nemesis breaks them, and what is left is judged."""

import time
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from sandbox.config import NUMBER
from sandbox.remote import Remote
from tests.chaos import gates
from tests.chaos.agenda import Agenda
from tests.chaos.arena import Arena
from tests.chaos.checker import Case, delays, percentile
from tests.chaos.evidence import Folder, Notebook, gather
from tests.chaos.nemesis import Nemesis
from tests.chaos.profiles import Profile
from tests.chaos.story import AROUND, SIZE, Story
from tests.chaos.watcher import Watcher

AHEAD = 120.0
"""Seconds before its messages are due that a group is added, at the least; in a short run all are added before."""
SLOWEST_P99 = 5.0
"""Of the messages without faults. A machine that is slower than this gets fewer a second: else "lost" is lateness."""
SETTLED_AFTER = 3.0
"""Seconds in which late callbacks still come."""
OPEN = """
SELECT count(*) FROM deliveries WHERE (state = 'scheduled' AND due_at <= :until) OR state IN ('sending', 'unknown')
"""
TICK = 0.02


@dataclass
class Run:
    """Lives on the main thread: it starts every process, and keeps the time."""

    profile: Profile
    folder: Folder
    database: str
    seed: int
    planted: str = ""
    _changes: Agenda = field(default_factory=Agenda)
    """Opt-outs, cancellations, moves: each waits for the database, on a thread of its own."""
    _took: float = 0.1
    """Seconds that the last group took to be added."""

    def play(self) -> tuple[gates.Figures, list[str]]:
        """Returns the figures, and what there is to show of the gates that do not hold."""
        began = time.monotonic()
        arena = Arena(self.folder, self.profile, self.database, self.planted, self.seed)
        with arena.open(), ThreadPoolExecutor(8, "story") as hands:
            notebook = Notebook(self.folder.notes)
            Remote(arena.sandbox_url).post("config", _sandbox_config(arena))
            _wait_for_database(arena.database_url)
            story = Story.begin(arena.environ(), notebook, arena.web_urls, self.seed)
            arena.start_service()
            watcher = Watcher(arena)
            watcher.watch()
            rate = self._control(arena, story)
            self._break(arena, story, hands, Nemesis(arena, notebook, self.seed), rate)
            until = time.time()
            drained = self._drain(arena, until)
            watcher.stop()
            arena.stop_service()
            case = Case(gather(self.folder, arena.database_url), until)
        found, findings = gates.figures(case, watcher)
        about = {"database": self.database, "seed": self.seed, "planted": self.planted, "rate": round(rate, 1)}
        took = {"drained_after": drained, "seconds": round(time.monotonic() - began, 1)}
        return {**about, **found, **took}, gates.report(case, findings)

    def _control(self, arena: Arena, story: Story) -> float:
        """Messages without a fault, and so the rate that this machine can carry."""
        profile = self.profile
        number = max(2, round(profile.control_seconds * profile.rate / SIZE))
        begins = time.time() + 1 + number * self._took
        self._add(story, [begins + profile.control_seconds * n / number for n in range(number)])
        until = begins + profile.control_seconds
        time.sleep(max(0.0, until - time.time()))
        ends = time.time() + 3 * SLOWEST_P99
        while _open(arena.database_url, until) and time.time() < ends:
            arena.revive()
            time.sleep(0.1)
        _, everything = delays(Case(gather(self.folder, arena.database_url), until))
        p99 = percentile(everything, 0.99) or 3 * SLOWEST_P99
        rate = profile.rate * min(1.0, SLOWEST_P99 / p99)
        print(f"{self.database}: without faults p99 is {p99} s; goes on with {rate:.1f} messages a second", flush=True)
        return rate

    def _break(self, arena: Arena, story: Story, hands: ThreadPoolExecutor, nemesis: Nemesis, rate: float) -> None:
        """Everything is due, changes, and breaks. Returns when the last of it has happened."""
        dues = [number * SIZE / rate for number in range(round(self.profile.messages / SIZE))]
        first = [due for due in dues if due <= AHEAD]
        begins = time.time() + 1 + 1.2 * self._took * len(first)
        self._add(story, [begins + due for due in first])
        adding = hands.submit(self._add_later, story, [begins + due for due in dues[len(first) :]])
        nemesis.bring_faults()
        acts = Agenda()
        for moment, act in nemesis.acts(begins):
            acts.at(moment, act)
        ends = begins + dues[-1] + AROUND
        changing: list[Future[object]] = []
        while time.time() < ends or not (adding.done() and acts.is_empty and self._changes.is_empty):
            changing += [hands.submit(change) for change in self._changes.due()]
            for act in acts.due():
                act()
            arena.revive()
            time.sleep(TICK)
        for one in [adding, *changing]:
            one.result()
        nemesis.rest()

    def _add(self, story: Story, dues: Iterable[float]) -> None:
        """Groups whose messages are due then, or a second from now where that is over."""
        for due in dues:
            began = time.monotonic()
            for moment, change in story.gather(max(due, time.time() + 1)):
                self._changes.at(moment, change)
            self._took = time.monotonic() - began

    def _add_later(self, story: Story, dues: list[float]) -> None:
        for due in dues:
            time.sleep(max(0.0, due - AHEAD - time.time()))
            self._add(story, [due])

    def _drain(self, arena: Arena, until: float) -> float:
        """Until nothing is open any more. Returns how long that took."""
        began = time.time()
        while _open(arena.database_url, until) and time.time() < began + self.profile.drain:
            arena.revive()
            time.sleep(0.2)
        took = round(time.time() - began, 1)
        time.sleep(SETTLED_AFTER)
        return took


def _sandbox_config(arena: Arena) -> dict[str, Any]:
    return {
        "numbers": {NUMBER: "unlimited"},
        "events_url": f"{arena.web_urls[0]}/webhooks/sendgrid/events",
        "event_seconds": 1,
    }


def _wait_for_database(url: str) -> None:
    while _ask(url, "SELECT 1", {}) is None:
        time.sleep(0.05)


def _open(url: str, until: float) -> int:
    """How many are not done with; one where the database cannot say."""
    moment = datetime.fromtimestamp(until, UTC)
    told = moment.isoformat(timespec="microseconds") if url.startswith("sqlite") else moment
    found = _ask(url, OPEN, {"until": told})
    return 1 if found is None else found


def _ask(url: str, query: str, values: dict[str, Any]) -> int | None:
    engine = create_engine(url, poolclass=NullPool)
    with suppress(SQLAlchemyError), engine.connect() as db:
        return int(db.execute(text(query), values).scalar_one())
    return None
