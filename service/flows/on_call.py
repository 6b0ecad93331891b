"""Who is called, in which order; and the test page that shows that a call reaches them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.flows.audit import audit
from service.flows.calls import Cause, add_pages
from service.models import Contact, Page, Practice, Staff
from service.models.alerts import Why
from service.models.practice import Role
from service.rules.escalation import TEST_HOLDS, on_call_order

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def people(db: Session, now: datetime) -> list[Staff]:
    """Everybody who can be called, those on duty first, then the other contacts, then the administrators."""
    contacts = db.scalars(Contact.in_order()).all()
    today = DAYS[now.astimezone(db.scalars(select(Practice)).one().zone).weekday()]
    in_order = on_call_order(contacts, [is_on_duty(contact, today) for contact in contacts])
    admins = select(Staff).where(Staff.role == Role.ADMIN, Staff.disabled_at.is_(None)).order_by(Staff.id)
    staff = [contact.staff for contact in in_order]
    return staff + [one for one in db.scalars(admins) if one.id not in {other.id for other in staff}]


def is_on_duty(contact: Contact, day: str) -> bool:
    return not contact.days or day in contact.days


def is_anybody_on_duty(db: Session, now: datetime) -> bool:
    today = DAYS[now.astimezone(db.scalars(select(Practice)).one().zone).weekday()]
    return any(is_on_duty(contact, today) for contact in db.scalars(Contact.in_order()))


@dataclass(frozen=True)
class Duty:
    """How somebody is called, on which days, and as the how-manieth."""

    mobile: str = ""
    days: Collection[str] = ()
    position: int | None = None
    """From 0; None: where they are, or at the end."""


def put_on_call(db: Session, staff: Staff, duty: Duty, by: UUID, now: datetime) -> Contact:
    """Add somebody to the list, or change what is kept of them. A new number has to be tested anew."""
    contacts = list(db.scalars(Contact.in_order()))
    contact = next((one for one in contacts if one.staff_id == staff.id), None)
    if contact is None:
        contact = Contact(staff_id=staff.id, position=len(contacts), days=[])
        contact.staff = staff
        contacts.append(contact)
        db.add(contact)
    if contact.mobile != duty.mobile:
        contact.mobile, contact.tested_at = duty.mobile, None
    contact.days = [day for day in DAYS if day in duty.days]
    _in_order(contacts, contact, contact.position if duty.position is None else duty.position)
    db.flush()
    audit(db, by, "on call changed", contact, now, position=contact.position)
    return contact


def take_off_call(db: Session, contact: Contact, by: UUID, now: datetime) -> None:
    audit(db, by, "taken off call", contact, now)
    db.delete(contact)
    db.flush()
    for position, other in enumerate(db.scalars(Contact.in_order())):
        other.position = position


def send_test(db: Session, contact: Contact, by: UUID, now: datetime) -> None:
    """A page like any other, with the word test in it. It leaves once this transaction is committed."""
    add_pages(db, Cause(Why.TEST), [contact.staff], now)
    audit(db, by, "test page sent", contact, now)


def answer_test(db: Session, page: Page, now: datetime) -> None:
    """The contact has answered: a page reaches them."""
    page.answered_at = page.answered_at or now
    contact = db.scalars(select(Contact).where(Contact.staff_id == page.staff_id)).first()
    if contact is not None:
        contact.tested_at = now


def reached(db: Session, now: datetime) -> Sequence[Contact]:
    """The contacts that a page has reached of late."""
    return db.scalars(Contact.reached_since(now - TEST_HOLDS)).all()


def _in_order(contacts: list[Contact], moved: Contact, position: int) -> None:
    contacts.remove(moved)
    contacts.insert(max(0, min(position, len(contacts))), moved)
    for number, one in enumerate(contacts):
        one.position = number
