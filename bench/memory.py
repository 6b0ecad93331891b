"""What a worker holds in memory, with little and with much to send."""

from collections.abc import Iterator

from bench.figures import Bench, Figure, Goal, figure
from bench.product_runs import WORKERS, Case, run_product

FEW, MANY = 1_000, 50_000
GROWTH = Goal("G10", "memory of the workers with 50,000 due / with 1,000", 1.2, 1.1)
ONE = Goal("G10", "one worker, with 50,000 due", 150, 150, unit="MB")


def memory(bench: Bench) -> Iterator[Figure]:
    """On SQLite, once: a run of fifty thousand takes a minute."""
    few, many = (
        bench.noted(run_product(Case(count), bench.provider, bench.databases, bench.folder / f"memory-{count}"))
        for count in (FEW, bench.count or MANY)
    )
    yield figure(GROWTH, many.rss_mb / few.rss_mb, 1, few_mb=few.rss_mb, many_mb=many.rss_mb, many=many.wanted)
    yield figure(ONE, many.rss_mb / WORKERS, 1, peak_mb=many.more["peak_mb"], rate=round(many.rate, 1))
