"""The practice itself: made with sensible defaults where nobody came through the first-run page."""

from dataclasses import dataclass
from datetime import datetime, time

import phonenumbers
from sqlalchemy import select
from sqlalchemy.orm import Session

from service.models import Practice
from service.settings import Settings


@dataclass(frozen=True)
class Office:
    """What a practice is called, where it is, and how it is reached."""

    name: str = "Our practice"
    sender_label: str = "Our office"
    phone: str = ""
    country: str = "US"
    time_zone: str = "America/New_York"


def office_of(settings: Settings) -> Office:
    """The defaults, with the number that texts come from as the office's, until staff enter the real one."""
    sender = settings.twilio.sender
    try:
        number = phonenumbers.parse(sender)
    except phonenumbers.NumberParseException:
        return Office()
    national = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    return Office(phone=national.replace("(", "").replace(") ", "-"))


OPENS, CLOSES = time(9), time(20)
"""Messages may arrive from 9:00 up to 20:00 on the member's clock."""


def found(db: Session, office: Office, now: datetime) -> Practice:
    """The practice of this installation. Safe to repeat: one that is there already stays as it is."""
    there = db.scalars(select(Practice)).first()
    if there is not None:
        return there
    practice = Practice(
        name=office.name,
        sender_label=office.sender_label,
        phone=office.phone,
        country=office.country,
        time_zone=office.time_zone,
        opens=OPENS,
        closes=CLOSES,
        reading_hours="Mon-Fri 9-5",
        per_day=2,
        per_week=5,
        created_at=now,
    )
    db.add(practice)
    db.flush()
    return practice
