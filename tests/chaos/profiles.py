"""How long a run is, and how much is broken in it."""

from dataclasses import dataclass

HTTP_DEADLINE = 2.0
LEASE = 11.0
"""Seconds. Time is compressed by these two settings; every other wait of the service follows the lease."""
EVENTS_AWAITED = LEASE * 600 / 90
"""Seconds for which a mail that may have gone waits for SendGrid's word before the question is closed."""


@dataclass(frozen=True)
class Profile:
    messages: int
    seconds: float
    """In which the messages are due."""
    kills: int
    freezes: int
    """SIGSTOP for longer than the lease."""
    flushes: int
    valkey_downs: int
    valkey_down_for: float
    database_restarts: int
    outages: int
    """Of the provider: together 8 % of the run."""
    webs: int
    clocks: int
    workers: int
    drain: float
    """Seconds at most until nothing is open any more."""
    control_seconds: float
    """How long messages are due without a fault, to see what the machine can do."""
    waits_for_mails: bool
    """Whether a run waits until every mail that may have gone is closed: that takes ten (compressed) minutes."""
    side_by_side: bool = False
    """Whether both databases are run at once, where time is short."""
    sender_rate: float = 0.0
    """Segments a second for the sending number; 0: no limit."""
    outage_share: float = 0.08

    @property
    def rate(self) -> float:
        return self.messages / self.seconds


PROFILES = {
    "ci": Profile(
        messages=600,
        seconds=20,
        kills=10,
        freezes=1,
        flushes=1,
        valkey_downs=1,
        valkey_down_for=2,
        database_restarts=1,
        outages=2,
        webs=1,
        clocks=2,
        workers=3,
        drain=45,
        control_seconds=2,
        waits_for_mails=False,
        side_by_side=True,
    ),
    "nightly": Profile(
        messages=20_000,
        seconds=1200,
        kills=200,
        freezes=12,
        flushes=8,
        valkey_downs=4,
        valkey_down_for=5,
        database_restarts=4,
        outages=4,
        webs=2,
        clocks=2,
        workers=4,
        drain=180,
        control_seconds=15,
        waits_for_mails=True,
    ),
    "soak": Profile(
        messages=144_000,
        seconds=28_800,
        kills=960,
        freezes=60,
        flushes=24,
        valkey_downs=24,
        valkey_down_for=5,
        database_restarts=24,
        outages=24,
        webs=2,
        clocks=2,
        workers=4,
        drain=300,
        control_seconds=30,
        waits_for_mails=True,
    ),
}
