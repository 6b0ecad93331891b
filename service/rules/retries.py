"""How long to wait before a message that was not taken over is tried again, and when to look for a lost one."""

from datetime import timedelta

LONGEST_PAUSE = timedelta(minutes=15)
LOOKS_AFTER = (15.0, 60.0, 180.0)
"""Seconds after the mark at which the provider is asked whether it has the message."""

HTTP_DEADLINE = 20.0
"""Seconds that one call to a provider may take in all: 3 to connect, 15 to answer, 2 to spare."""
LEASE = 90.0
"""Seconds that a worker has from the mark to the record."""
SOFT_LEASE = 60.0
"""Seconds after which an id is handed out again, should the queue have lost it."""


def pause_after(attempts: int, retry_after: timedelta | None = None, spread: float = 0.5) -> timedelta:
    """2, 4, 8 ... seconds, up to a quarter of an hour; never shorter than the provider asked for.

    `spread` is from 0 up to 1 and spaces out messages that failed together.
    """
    doubled = timedelta(seconds=min(2.0 ** min(attempts, 10), LONGEST_PAUSE.total_seconds()))
    pause = doubled * (0.75 + spread / 2)
    return max(pause, retry_after or timedelta())


def check_leases() -> None:
    """Raises ValueError where a lease could end while a call still runs: then nothing would be sent, or twice."""
    if LEASE < 3 * HTTP_DEADLINE + 5:
        raise ValueError("The lease must last at least three HTTP deadlines and five seconds.")
