"""The two ledgers that are only added to, read from their first row: a row that was changed or taken away shows."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.flows import audit, ledger
from service.flows.heads import Head
from service.models import AuditEntry, Consent

AT_ONCE = 1_000

Row = TypeVar("Row", Consent, AuditEntry)


@dataclass(frozen=True)
class Chain:
    """How many rows of a ledger hold, and the first that does not."""

    name: str
    sound: int
    first_bad: int | None = None
    wrong: str = ""

    @property
    def words(self) -> str:
        if self.first_bad is None:
            return f"{self.sound} {self.name}, each as it was written"
        return f"{self.name}: row {self.first_bad} {self.wrong}. Compare it with a backup."


def verify(db: Session, heads: Sequence[Head] = ()) -> list[Chain]:
    """Both chains, whole, and whether every head that was kept elsewhere still stands: what was cut off at the end
    shows by nothing else."""
    consents = _followed("consents", _from_the_first(db, Consent), ledger.hash_of, ledger.FIRST)
    entries = _followed("audit entries", _from_the_first(db, AuditEntry), audit.hash_of, audit.FIRST)
    return [_compared(db, consents, Consent, heads), _compared(db, entries, AuditEntry, heads)]


def verify_newest(db: Session, most: int) -> Chain:
    """Only the end of the audit, for a page that cannot wait for all of it."""
    newest = list(reversed(db.scalars(select(AuditEntry).order_by(AuditEntry.seq.desc()).limit(most + 1)).all()))
    if len(newest) <= most:
        return _followed("entries", newest, audit.hash_of, audit.FIRST)
    return _followed("entries", newest[1:], audit.hash_of, newest[0].hash)


def _from_the_first(db: Session, model: type[Row]) -> Iterator[Row]:
    """By their numbers, some at a time: a ledger grows for years."""
    some = select(model).order_by(model.seq).limit(AT_ONCE)
    rows = db.scalars(some).all()
    while rows:
        yield from rows
        rows = db.scalars(some.where(model.seq > rows[-1].seq)).all()


def _compared(db: Session, chain: Chain, model: type[Row], heads: Sequence[Head]) -> Chain:
    for head in heads if chain.first_bad is None else ():
        is_there = select(model.seq).where(model.seq == head.seq, model.hash == head.hash)
        if head.ledger == model.__tablename__ and db.scalars(is_there).first() is None:
            return Chain(
                chain.name, chain.sound, head.seq, f"stood there on {head.day} and is gone: the end was cut off"
            )
    return chain


def _followed(name: str, rows: Iterable[Row], hash_of: Callable[[Row], str], first: str) -> Chain:
    previous, sound = first, 0
    for row in rows:
        if row.previous_hash != previous:
            return Chain(name, sound, row.seq, "does not follow the one before it: a row is missing or was put in")
        if hash_of(row) != row.hash:
            return Chain(name, sound, row.seq, "was changed after it was written")
        previous, sound = row.hash, sound + 1
    return Chain(name, sound)
