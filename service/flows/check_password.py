"""Whether a password is right, as often as one may ask."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from service.flows import passwords
from service.flows.audit import audit
from service.flows.calls import add_mail
from service.flows.post import OpenDb
from service.models import Practice, SignInTry, Staff
from service.models.alerts import Why
from service.models.sealed import index_of
from service.rules import slowing
from service.rules.consent import Channel

SEVERAL = 4
"""So many failures are a slip of one's own; who signs in after more is told so by mail (ASVS 6.3.5)."""
WRONG = "The email or the password is wrong."


@dataclass(frozen=True)
class Checked:
    """Whose password it is, or in a sentence why nobody's."""

    staff_id: UUID | None
    sentence: str = ""
    waits: bool = False
    """There were too many tries; the password was not looked at."""


def check_password(open_db: OpenDb, email: str, password: str, address: str, now: datetime) -> Checked:
    """`address` is where the try comes from. Nobody is signed in by this.

    The try is counted before the password is looked at, and taken back when it was right: of a hundred that come at
    once, no more are looked at than one by one. An address that is nobody's is counted and takes as long as any other.
    Runs its own transactions, since hashing takes a while.
    """
    typed = index_of(Channel.EMAIL, email.strip().lower())
    with open_db() as db:
        staff = db.scalars(Staff.with_email(typed).with_for_update()).first()
        opens_at = _opens_at(db, typed, _network(address), now)
        if opens_at is not None and opens_at > now:
            return Checked(None, _wait(opens_at - now), waits=True)
        db.execute(delete(SignInTry).where(SignInTry.at < now - slowing.WINDOW))
        db.add(SignInTry(email_index=typed, network_index=_network(address), at=now))
        staff_id, known = (staff.id, staff.password_hash) if staff else (None, None)
    if not passwords.matches(known, password) or staff_id is None or known is None:
        with open_db() as db:
            _note_refusal(db, staff_id, typed, address, now)
        return Checked(None, WRONG)
    newer = passwords.hash_of(password) if passwords.is_outdated(known) else known
    with open_db() as db:
        row = db.get_one(Staff, staff_id)
        if forgive(db, typed) > 1 + SEVERAL:
            add_mail(db, row, Why.TRIES, now)
        if row.password_hash == known:
            row.password_hash = newer
    return Checked(staff_id)


def begin_without(db: Session, address: str, now: datetime) -> str:
    """A passkey is to be shown, of nobody known. Counted by where it comes from, apart from passwords: their wrong
    guesses make no passkey wait, nor the other way round. Why not, in a sentence; "": it may begin."""
    db.execute(select(Practice.id).with_for_update())  # of a hundred at once, no more begin than one by one
    place = _passkeys_from(address)
    recent = select(SignInTry.at).where(SignInTry.network_index == place, SignInTry.at > now - slowing.WINDOW)
    opens_at = slowing.network_opens_at(db.scalars(recent).all())
    if opens_at is not None and opens_at > now:
        return _wait(opens_at - now)
    db.execute(delete(SignInTry).where(SignInTry.at < now - slowing.WINDOW))
    db.add(SignInTry(email_index=place, network_index=place, at=now))
    return ""


def end_without(db: Session, address: str) -> None:
    """A passkey from there was right: what was begun there counts no more."""
    forgive(db, _passkeys_from(address))


def place_of(address: str) -> str:
    """Tells entries from one network apart from those of another, and not which network it is."""
    return _network(address).hex()[:8]


def forgive(db: Session, email_index: bytes) -> int:
    """The failures of this account count no more. How many tries there were."""
    theirs = SignInTry.email_index == email_index
    tries = db.scalar(select(func.count(SignInTry.id)).where(theirs)) or 0
    db.execute(delete(SignInTry).where(theirs))
    return tries


def _note_refusal(db: Session, staff_id: UUID | None, typed: bytes, address: str, now: datetime) -> None:
    """An entry for each that was looked at, also where the address is nobody's: that takes as long. What comes while
    they have to wait makes none, or whoever tries could fill the ledger."""
    if staff_id is None:
        audit(db, None, "unknown address", db.scalars(select(Practice)).one(), now, network=place_of(address))
        return
    opens_at = _opens_at(db, typed, _network(address), now)
    action = "sign-ins held off" if opens_at is not None and opens_at > now else "wrong password"
    audit(db, staff_id, action, db.get_one(Staff, staff_id), now, network=place_of(address))


def _opens_at(db: Session, email_index: bytes, network_index: bytes, now: datetime) -> datetime | None:
    recent = select(SignInTry.at).where(SignInTry.at > now - slowing.WINDOW)
    of_account = db.scalars(recent.where(SignInTry.email_index == email_index)).all()
    of_network = db.scalars(recent.where(SignInTry.network_index == network_index)).all()
    waits = [slowing.account_opens_at(of_account), slowing.network_opens_at(of_network)]
    return max((until for until in waits if until is not None), default=None)


def _network(address: str) -> bytes:
    return index_of("network", slowing.network_of(address))


def _passkeys_from(address: str) -> bytes:
    return index_of("passkeys from", slowing.network_of(address))


def _wait(left: timedelta) -> str:
    minutes = max(1, -(-left // timedelta(minutes=1)))
    return f"Too many tries. Wait {minutes} minute{'s' * (minutes > 1)}, or ask an administrator."
