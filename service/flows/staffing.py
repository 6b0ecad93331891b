"""Staff are added, set their password by a one-time link, change their role, and leave."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from service.flows import passwords, second_factor, sign_ins
from service.flows.audit import audit
from service.flows.calls import add_mail
from service.flows.check_password import forgive
from service.flows.links import new_link
from service.models import Group, Link, Practice, SignIn, Staff
from service.models.alerts import Why
from service.models.practice import Role
from service.models.sealed import index_of
from service.rules.consent import Channel

LINK_LASTS = timedelta(hours=1)


class NotNow(Exception):
    """A change of the staff that would do harm. The text says which."""


class AlreadyThere(NotNow):
    """Somebody on the staff has this address."""


@dataclass(frozen=True)
class Listed:
    staff: Staff
    signed_in_at: datetime | None
    """When last; None: never."""
    leads: int
    """How many groups."""


def everybody(db: Session) -> Sequence[Listed]:
    """Whoever has left comes last."""
    signed_in = dict(db.execute(select(SignIn.staff_id, func.max(SignIn.created_at)).group_by(SignIn.staff_id)).all())
    leads = dict(db.execute(select(Group.facilitator_id, func.count(Group.id)).group_by(Group.facilitator_id)).all())
    rows = db.scalars(select(Staff).order_by(Staff.disabled_at.is_not(None), Staff.id)).all()
    return [Listed(row, signed_in.get(row.id), leads.get(row.id, 0)) for row in rows]


def add_staff(db: Session, email: str, name: str, role: Role, now: datetime, password: str | None = None) -> Staff:
    """From the host. Raises AlreadyThere. Without a password the person needs a link to set one."""
    staff = _added(db, email, name, role, now)
    staff.password_hash = passwords.hash_of(password) if password else None
    audit(db, None, "staff added", staff, now, role=role.value)
    return staff


def invite(db: Session, email: str, name: str, role: Role, now: datetime, by: UUID) -> Staff:
    """By an administrator. Raises AlreadyThere. The person needs a link to set a password."""
    staff = _added(db, email, name, role, now)
    audit(db, by, "staff added", staff, now, role=role.value)
    return staff


def password_link(db: Session, staff: Staff, now: datetime, by: UUID | None = None) -> str:
    """The token of a link that sets the password, once, within the hour. Earlier ones are void."""
    _void_links(db, staff, now)
    audit(db, by, "password link made", staff, now)
    return new_link(db, "password", now + LINK_LASTS, staff_id=staff.id)


def set_password(db: Session, link: Link, password: str, now: datetime) -> Staff:
    """Use up the link."""
    staff = db.get_one(Staff, link.staff_id)
    link.used_at = now
    change_password(db, staff, password, now)
    return staff


def password_problem(db: Session, staff: Staff, password: str) -> str | None:
    """What is wrong with this as their password, in a sentence."""
    names = db.scalars(select(Practice.name)).all()
    about = (staff.name, staff.email, *names)
    return passwords.problem(password, about, has_second_factor=second_factor.has_any(db, staff.id))


def rename(db: Session, staff: Staff, name: str, now: datetime) -> None:
    staff.name = name
    audit(db, staff.id, "staff renamed", staff, now)


def change_password(db: Session, staff: Staff, password: str, now: datetime) -> None:
    """Every browser in which they are signed in is signed out."""
    if staff.password_hash is not None:
        add_mail(db, staff, Why.PASSWORD, now)
    staff.password_hash = passwords.hash_of(password)
    forgive(db, staff.email_index)
    sign_ins.end_all(db, staff.id, now)
    audit(db, staff.id, "password set", staff, now)


def change_role(db: Session, staff: Staff, role: Role, now: datetime, by: UUID | None = None) -> int:
    """They sign in anew. How many groups have no facilitator now, where the new role leads none.

    Raises NotNow.
    """
    if role is staff.role:
        return 0
    _keep_an_admin(db, staff, by)
    staff.role = role
    given_back = 0 if role.reads_replies else _give_back_groups(db, staff)
    sign_ins.end_all(db, staff.id, now)
    add_mail(db, staff, Why.ACCESS, now)
    audit(db, by, "role changed", staff, now, role=role.value, groups_given_back=given_back)
    return given_back


def disable(db: Session, staff: Staff, now: datetime, by: UUID | None = None) -> int:
    """They are signed out and cannot come back. How many groups have no facilitator now: administrators see what
    waits there, or nobody would. Raises NotNow."""
    _keep_an_admin(db, staff, by)
    staff.disabled_at = staff.disabled_at or now
    given_back = _give_back_groups(db, staff)
    _void_links(db, staff, now)
    sign_ins.end_all(db, staff.id, now)
    add_mail(db, staff, Why.ACCESS, now)
    audit(db, by, "staff disabled", staff, now, groups_given_back=given_back)
    return given_back


def enable(db: Session, staff: Staff, now: datetime, by: UUID | None = None) -> None:
    staff.disabled_at = None
    add_mail(db, staff, Why.ACCESS, now)
    audit(db, by, "staff enabled", staff, now)


def _added(db: Session, email: str, name: str, role: Role, now: datetime) -> Staff:
    index = index_of(Channel.EMAIL, email.lower())
    if db.scalars(select(Staff).where(Staff.email_index == index)).first() is not None:
        raise AlreadyThere("Somebody on the staff has this address already.")
    staff = Staff(email=email.lower(), email_index=index, name=name, role=role, created_at=now)
    db.add(staff)
    db.flush()
    return staff


def _keep_an_admin(db: Session, staff: Staff, by: UUID | None) -> None:
    second_factor.locked(db, staff.id)  # first, as whoever signs in: they hold their own row, then the practice's
    db.execute(select(Practice.id).with_for_update())  # of two administrators who end each other at once, one stays
    if staff.id == by:
        raise NotNow("Ask another administrator to change your own account.")
    others = select(Staff.id).where(Staff.role == Role.ADMIN, Staff.disabled_at.is_(None), Staff.id != staff.id)
    if staff.role is Role.ADMIN and db.scalars(others).first() is None:
        raise NotNow("This is the last administrator. Make somebody else one first.")


def _give_back_groups(db: Session, staff: Staff) -> int:
    theirs = db.scalars(select(Group).where(Group.facilitator_id == staff.id)).all()
    for group in theirs:
        group.facilitator_id = None
    return len(theirs)


def _void_links(db: Session, staff: Staff, now: datetime) -> None:
    unused = (Link.staff_id == staff.id) & (Link.purpose == "password") & Link.used_at.is_(None)
    db.execute(update(Link).where(unused).values(used_at=now))
