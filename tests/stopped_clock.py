"""A present that stands still."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tests.builders import NOW


@dataclass
class StoppedClock:
    """A present that moves only when a test says so."""

    moment: datetime = NOW
    rate: float = 1.0
    is_practice: bool = False

    def __call__(self) -> datetime:
        return self.moment

    def lasting(self, seconds: float) -> timedelta:
        return timedelta(seconds=seconds)

    def spec(self) -> str:
        return f"{self.moment.isoformat()}@{datetime.now(UTC).isoformat()}*0"

    def go(self, **length: float) -> datetime:
        """Move on by so many seconds, minutes, hours or days."""
        self.moment += timedelta(**length)
        return self.moment

    def go_to(self, moment: datetime) -> datetime:
        self.moment = moment.astimezone(UTC)
        return self.moment
