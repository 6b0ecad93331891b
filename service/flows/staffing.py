"""Staff are added, and set their password by a one-time link."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.flows import passwords, sign_ins
from service.flows.audit import audit
from service.flows.check_password import forgive
from service.flows.links import new_link
from service.models import Link, Staff
from service.models.practice import Role
from service.models.sealed import index_of
from service.rules.consent import Channel

LINK_LASTS = timedelta(hours=1)


class AlreadyThere(Exception):
    """Somebody on the staff has this address."""


def add_staff(db: Session, email: str, name: str, role: Role, now: datetime, password: str | None = None) -> Staff:
    """Raises AlreadyThere. Without a password the person needs a link to set one."""
    index = index_of(Channel.EMAIL, email.lower())
    if db.scalars(select(Staff).where(Staff.email_index == index)).first() is not None:
        raise AlreadyThere("Somebody on the staff has this address already.")
    staff = Staff(email=email.lower(), email_index=index, name=name, role=role, created_at=now)
    staff.password_hash = passwords.hash_of(password) if password else None
    db.add(staff)
    db.flush()
    audit(db, None, "staff added", staff, now, role=role.value)
    return staff


def password_link(db: Session, staff: Staff, now: datetime) -> str:
    """The token of a link that sets the password, once, within the hour."""
    return new_link(db, "password", now + LINK_LASTS, staff_id=staff.id)


def set_password(db: Session, link: Link, password: str, now: datetime) -> Staff:
    """Use up the link."""
    staff = db.get_one(Staff, link.staff_id)
    link.used_at = now
    change_password(db, staff, password, now)
    return staff


def rename(db: Session, staff: Staff, name: str, now: datetime) -> None:
    staff.name = name
    audit(db, staff.id, "staff renamed", staff, now)


def change_password(db: Session, staff: Staff, password: str, now: datetime) -> None:
    """Every browser in which they are signed in is signed out."""
    staff.password_hash = passwords.hash_of(password)
    forgive(db, staff.email_index)
    sign_ins.end_all(db, staff.id, now)
    audit(db, staff.id, "password set", staff, now)
