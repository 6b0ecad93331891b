"""Between the password and being signed in: five minutes and five tries to show a second factor; or a passkey alone."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from service.flows import passkeys, recovery, second_factor
from service.flows.audit import audit
from service.flows.links import hashed
from service.flows.passkeys import Site
from service.models import SecondFactor, SecondStep, Staff
from service.models.second_factors import Factor
from service.rules import slowing

LASTS = timedelta(minutes=5)
TRIES = 5


class Verdict(Enum):
    RIGHT = auto()
    WRONG = auto()
    OVER = auto()
    """Too late, or too often: the password has to be given again."""
    CLOSED = auto()
    """Too many wrong codes for this person within the hour: what was shown was not looked at."""


@dataclass(frozen=True)
class Answer:
    verdict: Verdict
    staff_id: UUID | None = None


Proof = Callable[[Session, SecondStep, Staff, datetime], bool]


def begin(db: Session, staff_id: UUID | None, now: datetime) -> str:
    """The token of a browser that may now show a second factor: the password was right; or a passkey alone, of whoever
    holds it."""
    token = secrets.token_urlsafe(32)
    db.execute(delete(SecondStep).where(SecondStep.created_at < now - slowing.WINDOW))
    challenge = passkeys.new_challenge()
    db.add(SecondStep(staff_id=staff_id, token_hash=hashed(token), challenge=challenge, created_at=now))
    return token


def find(db: Session, token: str, now: datetime) -> SecondStep | None:
    """What this browser has begun, while it lasts."""
    query = select(SecondStep).where(SecondStep.token_hash == hashed(token), SecondStep.ended_at.is_(None))
    step = db.scalars(query.execution_options(populate_existing=True)).first()
    return step if step is not None and now - step.created_at < LASTS else None


def answer(db: Session, token: str, proof: Proof, now: datetime, *, is_guess: bool = True) -> Answer:
    """Take what was shown. Of two browsers that show the same code at once, one is in: the person is locked.

    What nobody can guess, a passkey, waits for nobody's wrong codes.
    """
    begun = find(db, token, now)
    if begun is None or begun.staff_id is None:
        return Answer(Verdict.OVER)
    staff = second_factor.locked(db, begun.staff_id)
    step = find(db, token, now)
    if step is None or staff.disabled_at is not None:
        return Answer(Verdict.OVER)
    if is_guess and _is_closed(db, staff.id, now):
        return Answer(Verdict.CLOSED)
    if proof(db, step, staff, now):
        step.ended_at = now
        db.execute(update(SecondStep).where(SecondStep.staff_id == staff.id).values(failures=0))
        return Answer(Verdict.RIGHT, staff.id)
    return Answer(_count_failure(db, step, staff, now))


def answer_alone(db: Session, token: str, site: Site, credential: str, now: datetime) -> Answer:
    """A passkey without a password. Nobody's wrong passwords or codes make it wait: it cannot be guessed."""
    db.execute(select(SecondStep.id).where(SecondStep.token_hash == hashed(token)).with_for_update())
    step = find(db, token, now)
    if step is None or step.staff_id is not None:
        return Answer(Verdict.OVER)
    factor = passkeys.shown(db, step, site, credential)
    if factor is not None and second_factor.locked(db, factor.staff_id).disabled_at is None:
        step.ended_at = factor.used_at = now
        return Answer(Verdict.RIGHT, factor.staff_id)
    step.failures += 1
    step.ended_at = now if step.failures >= TRIES else None
    return Answer(Verdict.WRONG if step.ended_at is None else Verdict.OVER)


def has_app(db: Session, staff_id: UUID) -> bool:
    return db.scalars(SecondFactor.of(staff_id).where(SecondFactor.kind == Factor.APP)).first() is not None


def by_code(typed: str) -> Proof:
    """Six digits of any of the person's apps."""

    def is_shown(db: Session, step: SecondStep, staff: Staff, now: datetime) -> bool:
        apps = db.scalars(SecondFactor.of(staff.id).where(SecondFactor.kind == Factor.APP)).all()
        return any(second_factor.takes(app, typed, now) for app in apps)

    return is_shown


def by_recovery_code(typed: str) -> Proof:
    return lambda db, step, staff, now: recovery.take(db, staff, typed, now)


def by_passkey(site: Site, credential: str) -> Proof:
    def is_shown(db: Session, step: SecondStep, staff: Staff, now: datetime) -> bool:
        factor = passkeys.shown(db, step, site, credential)
        if factor is not None:
            factor.used_at = now
        return factor is not None

    return is_shown


def _is_closed(db: Session, staff_id: UUID, now: datetime) -> bool:
    """Else whoever has learned the password tries five codes for ever."""
    recent = SecondStep.created_at > now - slowing.WINDOW
    rows = db.scalars(select(SecondStep).where(SecondStep.staff_id == staff_id, recent))
    failures = [row.ended_at or row.created_at for row in rows for _ in range(row.failures)]
    opens_at = slowing.account_opens_at(failures)
    return opens_at is not None and opens_at > now


def _count_failure(db: Session, step: SecondStep, staff: Staff, now: datetime) -> Verdict:
    step.failures += 1
    if step.failures < TRIES:
        return Verdict.WRONG
    step.ended_at = now
    audit(db, staff.id, "second step refused", staff, now, tries=step.failures)
    return Verdict.OVER
