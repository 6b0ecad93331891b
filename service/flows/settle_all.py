"""Reports that come together are written down together: a transaction for each costs more than sending the text did."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from logging import getLogger
from uuid import UUID

from sqlalchemy import exc, select
from sqlalchemy.orm import Session

from service.flows.post import OpenDb
from service.flows.settle import LAST_WORD, Report, settle
from service.models import Delivery
from service.models.bulk import among
from service.rules.consent import Channel
from service.rules.lifecycle import State, may_move

log = getLogger(__name__)

AWAY, ITS_OWN = (exc.DBAPIError, exc.TimeoutError, OSError), (exc.DataError, exc.IntegrityError)
HAS_WORDS = Delivery.body_sealed.is_not(None)
LINES = (
    select(Delivery.id, Delivery.state, Delivery.channel, Delivery.provider_id, Delivery.accepted_at, HAS_WORDS)
    .where(among(Delivery.id, "ids"), Delivery.attempts > 0)
    .order_by(Delivery.id)
    .with_for_update()
)


@dataclass(frozen=True)
class _Line:
    """What stands in the database of one delivery, as far as a plain report needs it."""

    state: State
    channel: Channel
    provider_id: str | None
    accepted_at: datetime | None
    has_words: bool

    def is_plain(self, report: Report) -> bool:
        """Whether nothing but how far it got is to be written; and its name, if this is the first to tell it."""
        if report.opted_out or report.state is State.UNDELIVERED:
            return False
        is_named = self.provider_id is None and self.has_words and self.moves(report.state)
        return is_named or report.provider_id in ("", self.provider_id)

    def moves(self, to: State) -> bool:
        return self.state is not LAST_WORD[self.channel] and may_move(self.state, to)

    def values(self, report: Report, now: datetime) -> Mapping[str, object]:
        values: dict[str, object] = {
            "accepted_at": self.accepted_at or now,
            "lease_until": None,
            "error_code": None,
            "provider_id": self.provider_id or report.provider_id or None,
        }
        return values | {"settled_at": now} if report.state is State.DELIVERED else values


def settle_all(open_db: OpenDb, reports: Sequence[Report], now: datetime) -> None:
    """Apply reports in the order in which they came, and commit them. Safe to repeat.

    What needs a closer look has a transaction of its own: it may lock members, and two of these must not wait for
    each other's.
    """
    while reports:
        turn, reports = _first_of_each(reports)
        with open_db() as db:
            others = _settle_plain(db, turn, now)
        for report in others:
            with open_db() as db:
                settle(db, report, now)


def settle_each(open_db: OpenDb, reports: Sequence[Report], now: datetime) -> list[Exception | None]:
    """`settle_all`, and what kept each from being settled: one that is broken does not keep the others from it."""
    failure = _failure(open_db, reports, now)
    if failure is None or len(reports) == 1 or is_away(failure):  # to ask for each would be to wait for it in turn
        return [failure] * len(reports)
    half = len(reports) // 2
    return [*settle_each(open_db, reports[:half], now), *settle_each(open_db, reports[half:], now)]


def is_away(failure: Exception) -> bool:
    """Whether it is the database that would not, whatever it is given: the same report may be settled later."""
    return isinstance(failure, AWAY) and not isinstance(failure, ITS_OWN)


def _failure(open_db: OpenDb, reports: Sequence[Report], now: datetime) -> Exception | None:
    try:
        settle_all(open_db, reports, now)
    except Exception as failure:
        log.exception("%d reports could not be settled", len(reports))
        return failure
    return None


def _first_of_each(reports: Sequence[Report]) -> tuple[list[Report], list[Report]]:
    """One report on each delivery, and those that come after it."""
    first: dict[UUID, Report] = {}
    later = []
    for report in reports:
        if first.setdefault(report.delivery_id, report) is not report:
            later.append(report)
    return list(first.values()), later


def _settle_plain(db: Session, reports: Sequence[Report], now: datetime) -> list[Report]:
    """Those that only say how far a message got. Returns the others."""
    rows = db.execute(LINES, {"ids": [report.delivery_id for report in reports]})
    lines = {row[0]: _Line(*row[1:]) for row in rows}
    moves: dict[State, dict[UUID, Mapping[str, object]]] = defaultdict(dict)
    others = []
    for report in reports:
        line = lines.get(report.delivery_id)
        if line is None or not line.is_plain(report):
            others.append(report)
        elif line.moves(report.state):
            moves[report.state][report.delivery_id] = line.values(report, now)
    for to, values in moves.items():
        Delivery.move_all(db, values, to, now, by="callback")
    return others
