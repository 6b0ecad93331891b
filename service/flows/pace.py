"""A sending number's speed: so many segments a second, shared by all workers through one row."""

from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from service.models import Sender


class Lane:
    """One sending number within one transaction. Its row stays locked until the transaction ends."""

    def __init__(self, db: Session, name: str, rate: float, now: datetime) -> None:
        self._row = _locked(db, name, now)
        self._rate = rate
        self._now = now
        self._last_told = self._row.free_at

    def paused_until(self) -> datetime | None:
        """Until when nothing leaves: the provider refuses everything until staff act, or told us to wait."""
        until = self._row.paused_until
        return until if until is not None and until > self._now else None

    def next_slot(self, segments: int) -> datetime:
        """When a message of so many segments may leave: now, or later. One that may leave now takes its time.

        Those that must wait are told times one after another, so that they do not all come back at once.
        """
        if self._rate == 0:
            return self._now
        takes = timedelta(seconds=segments / self._rate)
        if self._row.free_at > self._now:
            self._last_told = max(self._last_told, self._row.free_at)
            self._last_told += takes
            return self._last_told - takes
        self._row.free_at = self._now + takes
        return self._now


def pause(db: Session, name: str, until: datetime, reason: str, now: datetime) -> None:
    """Stop a sending number until then. Staff see the reason."""
    row = _locked(db, name, now)
    row.paused_until, row.pause_reason = until, reason


def resume(db: Session, name: str, now: datetime) -> None:
    """Something went out again after the pause was over: staff need not read of it any more."""
    db.execute(
        update(Sender)
        .where(Sender.name == name, Sender.paused_until <= now)
        .values(paused_until=None, pause_reason=None)
        .execution_options(synchronize_session=False)
    )


def _locked(db: Session, name: str, now: datetime) -> Sender:
    insert = postgresql.insert if db.get_bind().dialect.name == "postgresql" else sqlite.insert
    db.execute(insert(Sender).values(name=name, free_at=now).on_conflict_do_nothing())
    return db.scalars(select(Sender).where(Sender.name == name).with_for_update()).one()
