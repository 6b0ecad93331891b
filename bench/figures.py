"""A figure beside its goal, as one JSON line."""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from bench.databases import Databases
from bench.provider import Provider
from bench.runs import Run


@dataclass(frozen=True)
class Goal:
    """What performance.md asks for. `more` says which way is better."""

    name: str
    what: str
    floor: float
    aim: float
    more: bool = False
    unit: str = "x"

    def holds(self, figure: float) -> bool:
        return figure >= self.floor if self.more else figure <= self.floor


@dataclass(frozen=True)
class Figure:
    """One measured figure. `load` is the machine's before and after, all else included."""

    goal: str
    what: str
    figure: float
    floor: float
    aim: float
    unit: str
    more: bool
    """Whether more is better."""
    holds: bool
    rounds: int
    load: tuple[float, float] = (0.0, 0.0)
    bench: str = ""
    detail: dict[str, object] = field(default_factory=dict)

    def line(self) -> str:
        return json.dumps(asdict(self))

    def of(self, bench: str, load: tuple[float, float]) -> "Figure":
        return replace(self, bench=bench, load=load)


@dataclass(frozen=True)
class Bench:
    """What a benchmark needs, made once a run of `make bench`."""

    folder: Path
    provider: Provider
    databases: Databases
    rounds: int | None
    """None: as many as the benchmark finds right."""
    count: int | None
    """Messages due at once; None as above."""
    is_full: bool
    """Also what takes long: ten million rows."""
    runs: list[Run] = field(default_factory=list)
    """Every run of ours: none may have lost or doubled a message (G14)."""

    def noted(self, run: Run) -> Run:
        self.runs.append(run)
        return told(run)


def told(run: Run) -> Run:
    """The run, after a line about it to whoever waits."""
    print(
        f"{run.what}: {run.accepted} of {run.wanted}",
        f"{run.rate:.1f}/s, {run.cpu_each:.2f} ms each, p99 {run.p99:.1f} s",
        f"lost {run.lost}, doubled {run.doubled}, load {run.load}",
        sep=", ",
        file=sys.stderr,
        flush=True,
    )
    return run


Suite = Callable[[Bench], Iterator[Figure]]


def figure(goal: Goal, value: float, rounds: int, where: str = "", **detail: object) -> Figure:
    """`where` is the database, or the peer that it is measured against."""
    return Figure(
        goal=goal.name,
        what=f"{goal.what}, {where}" if where else goal.what,
        figure=float(f"{value:.4g}"),
        floor=goal.floor,
        aim=goal.aim,
        unit=goal.unit,
        more=goal.more,
        holds=goal.holds(value),
        rounds=rounds,
        detail=detail,
    )
