"""How long what was written is kept."""

from dataclasses import dataclass
from datetime import datetime

from dateutil.relativedelta import relativedelta

MONTHS = (1, 84)
DAYS = (14, 365)
"""Not less than the links in mails last: whoever opens one late must find the message."""


@dataclass(frozen=True)
class Periods:
    """What members wrote and answered, and the log, in months; the words and addresses of what was sent, in days."""

    words: int
    bodies: int
    log: int

    def words_before(self, now: datetime) -> datetime:
        return now - relativedelta(months=self.words)

    def bodies_before(self, now: datetime) -> datetime:
        return now - relativedelta(days=self.bodies)

    def log_before(self, now: datetime) -> datetime:
        return now - relativedelta(months=self.log)
