"""One run: the parts are started, the story is told while the nemesis breaks them, and what is left is judged."""

import random
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count, islice

from tests.chaos import gates
from tests.chaos.agenda import Agenda
from tests.chaos.arena import Arena
from tests.chaos.checker import Case, delays, percentile
from tests.chaos.evidence import Notebook
from tests.chaos.nemesis import Nemesis
from tests.chaos.story import AROUND, SIZE, Story
from tests.chaos.watcher import Watcher

AHEAD = 120.0
"""Seconds before its messages are due that a group is added, at the least; in a short run all are added before."""
SLOWEST_P99 = 5.0
"""Of the messages without faults. A machine that is slower than this gets fewer a second: else "lost" is lateness."""
SETTLED_AFTER = 3.0
"""Seconds in which late callbacks still come."""
TICK = 0.02
MOMENT = 5.0
AT_ONCE = 6
"""Writers of the story."""


@dataclass
class Run:
    """Lives on the main thread: it starts every process, and keeps the time."""

    arena: Arena
    _changes: Agenda = field(default_factory=Agenda)
    """Opt-outs, cancellations, moves: each waits for the database, on a thread of its own."""
    _numbers: Iterator[int] = field(default_factory=count)
    """Of the groups."""
    _phases: dict[str, float] = field(default_factory=dict)
    _began: float = field(default_factory=time.monotonic)
    _pace: float = 0.3
    """Seconds that each group took to be added, with several at once."""

    def play(self) -> tuple[gates.Figures, list[str]]:
        """Returns the figures, and what there is to show of the gates that do not hold."""
        arena = self.arena
        with arena.open(), ThreadPoolExecutor(AT_ONCE, "story") as hands:
            notebook = Notebook(arena.folder.notes)
            story = arena.begin(notebook)
            arena.start_service()
            watcher = Watcher(arena)
            watcher.watch()
            self._note("start")
            rate = self._control(arena, story, hands)
            self._note("control")
            self._break(arena, story, hands, Nemesis(arena, notebook, random.Random(arena.seed)), rate)
            self._note("run")
            until = time.time()
            self._drain(arena, until)
            self._note("drain")
            watcher.stop()
            arena.stop_service()
            case = Case(arena.gather(), until)
        found, findings = gates.figures(case, watcher)
        about = {"database": arena.database, "seed": arena.seed, "planted": arena.planted, "rate": round(rate, 1)}
        self._note("end")
        return {**about, **found, "took": self._phases}, gates.report(case, findings)

    def _control(self, arena: Arena, story: Story, hands: ThreadPoolExecutor) -> float:
        """Messages without a fault, and so the rate that this machine can carry."""
        profile = arena.profile
        number = max(2, round(profile.control_seconds * profile.rate / SIZE))
        begins = time.time() + 1 + number * self._pace
        self._add_all(story, [begins + profile.control_seconds * n / number for n in range(number)], hands)
        until = begins + profile.control_seconds
        time.sleep(max(0.0, until - time.time()))
        ends = time.time() + 3 * SLOWEST_P99
        while arena.open_deliveries(until) and time.time() < ends:
            arena.revive()
            time.sleep(0.1)
        _, everything = delays(Case(arena.gather(), until))
        p99 = percentile(everything, 0.99) or 3 * SLOWEST_P99
        rate = profile.rate * min(1.0, SLOWEST_P99 / p99)
        print(f"{arena.database}: without faults p99 is {p99} s; goes on with {rate:.1f} messages a second", flush=True)
        return rate

    def _break(self, arena: Arena, story: Story, hands: ThreadPoolExecutor, nemesis: Nemesis, rate: float) -> None:
        """Everything is due, changes, and breaks. Returns when the last of it has happened."""
        dues = [number * SIZE / rate for number in range(round(arena.profile.messages / SIZE))]
        first = [due for due in dues if due <= AHEAD]
        begins = time.time() + 1 + 1.5 * len(first) * self._pace
        self._add_all(story, [begins + due for due in first], hands)
        adding = hands.submit(self._add_later, story, [begins + due for due in dues[len(first) :]])
        self._note("fill")
        nemesis.bring_faults()
        acts = Agenda()
        starts, ends = max(begins, time.time()), begins + dues[-1] + AROUND
        for moment, act in nemesis.acts(starts, max(ends - starts, MOMENT)):
            acts.at(moment, act)
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

    def _add_all(self, story: Story, dues: list[float], hands: ThreadPoolExecutor) -> None:
        """Side by side, as so many members of staff: each of many short statements waits for its answer."""
        numbers, began = islice(self._numbers, len(dues)), time.monotonic()
        list(hands.map(lambda one: self._add(story, *one), list(zip(numbers, dues, strict=True))))
        self._pace = (time.monotonic() - began) / max(len(dues), 1)

    def _add_later(self, story: Story, dues: list[float]) -> None:
        for due in dues:
            time.sleep(max(0.0, due - AHEAD - time.time()))
            self._add(story, next(self._numbers), due)

    def _add(self, story: Story, number: int, due: float) -> None:
        """A group whose messages are due then, or a second from now where that is over."""
        for moment, change in story.gather(number, max(due, time.time() + 1)):
            self._changes.at(moment, change)

    def _drain(self, arena: Arena, until: float) -> None:
        """Until nothing is open any more."""
        ends = time.time() + arena.profile.drain
        awaited = "" if arena.profile.waits_for_mails else "email"
        while arena.open_deliveries(until, awaited) and time.time() < ends:
            arena.revive()
            time.sleep(0.5)
        time.sleep(SETTLED_AFTER)

    def _note(self, phase: str) -> None:
        """How many seconds a part of the run took."""
        self._phases[phase] = round(time.monotonic() - self._began, 1)
        self._began = time.monotonic()
