"""Texts from the due instant to the provider's acceptance, against the usual designs in the same rounds."""

from collections import defaultdict
from collections.abc import Iterator

from bench.clients import Alone, run_client
from bench.databases import Kind
from bench.figures import Bench, Figure, Goal, figure, told
from bench.peer_runs import run_peer
from bench.product_runs import Case, run_product
from bench.provider import DELAY
from bench.runs import Run, middle

ROUNDS = 3
"""The peers take minutes."""
COUNT = 10_000
IN_FLIGHT = 100
"""What Twilio lets an account have in flight, by public notes; two workers of 50."""
LIMIT = IN_FLIGHT / DELAY
PEERS = {"rq": 16, "rq-preloaded": 60, "rq-simple": 200, "celery-prefork": 200, "celery-threads": 600}
"""How many messages each is given: they are linear, and would take hours over ours."""

AGAINST = {
    "rq": Goal("G1", "due to accepted, against RQ as its guide shows it", 300, 1000, more=True),
    "rq-preloaded": Goal("G2", "due to accepted, against RQ preloaded", 150, 350, more=True),
    "rq-simple": Goal("G2", "due to accepted, against RQ SimpleWorker", 25, 75, more=True),
    "celery-prefork": Goal("G3", "due to accepted, against Celery prefork 2", 30, 70, more=True),
    "celery-threads": Goal("G3", "due to accepted, against Celery threads 64", 20, 50, more=True),
}
SHARE = Goal("G4", "share of what 100 in flight allow", 0.6, 0.9, more=True, unit="")
CPU = Goal("G5", "processor time a text / the official client alone on our transport", 2, 1.4)
CPU_IN_ALL = Goal(
    "G6", "processor time a text, database and queue included / the official client as it comes", 0.5, 0.25
)
COMMANDS = Goal("G8", "Redis commands a text", 0.3, 0.05, unit="")
COMMITS = Goal("G8", "database commits a text", 0.06, 0.03, unit="")
LATENESS = Goal("G13", "p99 lateness of all due at once / ideal", 2, 1.15)


def sms(bench: Bench) -> Iterator[Figure]:
    rounds, count = bench.rounds or ROUNDS, bench.count or COUNT
    ours: dict[Kind, list[Run]] = defaultdict(list)
    peers: dict[str, list[Run]] = defaultdict(list)
    alone: dict[str, list[Alone]] = defaultdict(list)
    for number in range(rounds):
        for kind in Kind:
            run = run_product(
                Case(count, kind=kind), bench.provider, bench.databases, bench.folder / f"sms-{kind}-{number}"
            )
            ours[kind].append(bench.noted(run))
        alone["ours"].append(run_client("texts on our transport", 3000, 50, bench.provider, DELAY))
        alone["theirs"].append(run_client("texts as it comes", 300, 1, bench.provider, 0))
        for name, few in PEERS.items():
            peers[name].append(told(run_peer(name, few, bench.provider, bench.folder / f"{name}-{number}")))
    for kind, runs in ours.items():
        yield from _against(kind, runs, peers)
        yield from _of_ours(kind, runs, alone)


def _against(kind: Kind, ours: list[Run], peers: dict[str, list[Run]]) -> Iterator[Figure]:
    rate = middle(ours, "rate")
    for name, goal in AGAINST.items():
        theirs = peers[name]
        yield figure(
            goal,
            rate / middle(theirs, "rate"),
            len(ours),
            kind,
            **shown(ours),
            peer_rate=[round(run.rate, 2) for run in theirs],
            peer_cpu_ms=[round(run.cpu_each, 1) for run in theirs],
            times_less_cpu=round(middle(theirs, "cpu_each") / middle(ours, "cpu_each"), 1),
            peer_lost=sum(run.lost for run in theirs),
        )


def _of_ours(kind: Kind, ours: list[Run], alone: dict[str, list[Alone]]) -> Iterator[Figure]:
    rounds, rate = len(ours), middle(ours, "rate")
    raw = sorted(alone["ours"], key=lambda one: one.cpu_each)[len(alone["ours"]) // 2]
    official = sorted(alone["theirs"], key=lambda one: one.cpu_each)[len(alone["theirs"]) // 2]
    peaks = [run.peak for run in ours]
    yield figure(
        SHARE, rate / LIMIT, rounds, kind, rates=rates(ours), in_flight=peaks, of_raw=round(rate / raw.rate, 3)
    )
    yield figure(
        CPU, middle(ours, "cpu_each") / raw.cpu_each, rounds, kind, **shown(ours), raw_ms=round(raw.cpu_each, 3)
    )
    yield figure(
        CPU_IN_ALL,
        middle(ours, "cpu_each_in_all") / official.cpu_each,
        rounds,
        kind,
        in_all_ms=round(middle(ours, "cpu_each_in_all"), 3),
        official_ms=round(official.cpu_each, 3),
    )
    yield figure(COMMANDS, middle(ours, "commands_each"), rounds, kind)
    yield figure(COMMITS, middle(ours, "commits_each"), rounds, kind)
    ideal = ours[0].wanted / LIMIT + DELAY
    yield figure(LATENESS, middle(ours, "p99") / ideal, rounds, kind, p50=round(middle(ours, "p50"), 2), ideal=ideal)


def rates(runs: list[Run]) -> list[float]:
    return [round(run.rate, 1) for run in runs]


def shown(runs: list[Run]) -> dict[str, object]:
    return {
        "count": runs[0].wanted,
        "rate": rates(runs),
        "cpu_ms": round(middle(runs, "cpu_each"), 3),
        "provider_cpu_ms": round(1000 * middle(runs, "cpu_provider") / runs[0].wanted, 3),
        "rss_mb": middle(runs, "rss_mb"),
        "lost": sum(run.lost for run in runs),
        "doubled": sum(run.doubled for run in runs),
    }
