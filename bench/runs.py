"""What one run of one design came to: N messages due at one instant, and when the provider took each."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from statistics import median

from bench.provider import Provider


@dataclass(frozen=True)
class Run:
    """Seconds unless a name says otherwise; lateness counts from the due instant to the provider's answer."""

    what: str
    wanted: int
    accepted: int
    lost: int
    doubled: int
    took: float
    """From the due instant to the last acceptance."""
    p50: float
    p99: float
    peak: int
    """Calls that were in flight at once, seen by the provider."""
    cpu: float
    """Of the processes that send and hand out."""
    cpu_redis: float = 0.0
    cpu_database: float = 0.0
    cpu_provider: float = 0.0
    rss_mb: float = 0.0
    redis_commands: int = 0
    commits: int = 0
    load: float = 0.0
    more: dict[str, float] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.accepted / self.took if self.took else 0.0

    @property
    def cpu_each(self) -> float:
        """Milliseconds of the senders a message."""
        return 1000 * self.cpu / max(1, self.accepted)

    @property
    def cpu_each_in_all(self) -> float:
        """Milliseconds a message, database and queue included."""
        return 1000 * (self.cpu + self.cpu_redis + self.cpu_database) / max(1, self.accepted)

    @property
    def commands_each(self) -> float:
        return self.redis_commands / self.wanted

    @property
    def commits_each(self) -> float:
        return self.commits / self.wanted


def outcome(provider: Provider, ids: Collection[str], due: float) -> dict[str, float]:
    """What the provider says of these ids: the fields of a Run that are counted there."""
    accepted = [(name, at) for name, at in provider.accepted() if name in ids]
    times = Counter(name for name, _ in accepted)
    late = sorted(at - due for _, at in accepted)
    return {
        "wanted": len(ids),
        "accepted": len(accepted),
        "lost": len(ids) - len(times),
        "doubled": sum(count - 1 for count in times.values()),
        "took": late[-1] if late else 0.0,
        "p50": quantile(late, 0.5),
        "p99": quantile(late, 0.99),
        "peak": provider.count()["peak"],
    }


def quantile(ordered: Sequence[float], part: float) -> float:
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else 0.0


def middle(runs: Sequence[Run], figure: str) -> float:
    """The median of one figure over the rounds."""
    return float(median(getattr(run, figure) for run in runs))
