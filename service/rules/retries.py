"""How long things may take: a call, the mark, the wait before another try, the looks for a message that may be lost."""

from dataclasses import dataclass
from datetime import timedelta

DEADLINE, LEASE = 20.0, 90.0
"""The defaults, in seconds: of one call to a provider in all, and from the mark to the record."""
LONGEST_PAUSE = 900.0


@dataclass(frozen=True)
class Patience:
    """Seconds of the machine's clock. Every wait but the deadline keeps its proportion to the lease."""

    deadline: float = DEADLINE
    """One call to a provider, in all."""
    lease: float = LEASE
    """What a worker has from the mark to the record; after that somebody else asks what became of the message."""

    @property
    def is_enough(self) -> bool:
        """Whether a call always ends well within its lease: otherwise nothing would be sent, or twice."""
        return self.lease >= 3 * self.deadline + 5

    @property
    def to_connect(self) -> float:
        return self.deadline * 0.15

    @property
    def to_answer(self) -> float:
        return self.deadline * 0.75

    @property
    def to_call(self) -> float:
        """From the mark on: a worker that was held up for longer does not call any more."""
        return self.lease - self.deadline - 1

    @property
    def soft_lease(self) -> float:
        """An id that a worker took and did not mark is taken again after this."""
        return self._of_lease(60)

    @property
    def looks_after(self) -> tuple[float, ...]:
        """From the mark on: when the provider is asked whether it has the message."""
        return tuple(self._of_lease(seconds) for seconds in (15, 60, 180))

    @property
    def just_leaving(self) -> float:
        """From the mark on: so long the news of a session waits for a reminder of it, so as to come after it."""
        return self._of_lease(30)

    @property
    def events_awaited(self) -> float:
        """From the mark on: within this a mail that went shows up in SendGrid's events."""
        return self._of_lease(600)

    @property
    def again_after(self) -> float:
        """From the mark on: sooner no second copy of a message goes of which nobody can say. The provider may yet take
        over what it was asked to."""
        return self._of_lease(120)

    @property
    def gives_up_asking(self) -> float:
        """From the mark on: a provider whose list does not answer for so long proves nothing any more."""
        return self._of_lease(600)

    @property
    def down_for(self) -> float:
        """A channel rests so long after its provider refused our account."""
        return self._of_lease(300)

    @property
    def probes_every(self) -> float:
        """A provider that fails time after time is tried with one message in so many seconds."""
        return self._of_lease(30)

    def pause_after(self, attempts: int, retry_after: timedelta | None = None, spread: float = 0.5) -> timedelta:
        """2, 4, 8 ... seconds, up to a quarter of an hour; never shorter than the provider asked for.

        `spread` is from 0 up to 1 and spaces out messages that failed together.
        """
        doubled = self._of_lease(min(2.0 ** min(attempts, 10), LONGEST_PAUSE))
        return max(timedelta(seconds=doubled * (0.75 + spread / 2)), retry_after or timedelta())

    def _of_lease(self, seconds: float) -> float:
        return seconds * self.lease / LEASE
