"""What tests are made of, with defaults that are right: a test names only what it is about.

The present is a Monday, 10:00 in New York. The group meets on Thursday at 18:30, and everything that its default
rules send falls into the day.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.flows import enrol, ledger, schedule
from service.flows.ledger import Evidence
from service.flows.plan import plan
from service.flows.settle_in import Office, found
from service.flows.suppress import suppress
from service.models import Attendance, Delivery, Enrolment, Group, GroupSession, Member, Practice, Rule, Staff
from service.models.groups import Answer, Came
from service.models.practice import Role
from service.models.sealed import index_of
from service.rules.consent import MESSAGES, Channel, Choice, Companion, Purpose
from service.rules.kinds import Anchor, Kind, Via
from service.rules.lifecycle import State
from service.rules.recurrence import Frequency, Recurrence

NEW_YORK, LONDON, LOS_ANGELES = (
    ZoneInfo("America/New_York"),
    ZoneInfo("Europe/London"),
    ZoneInfo("America/Los_Angeles"),
)
NOW = datetime(2027, 1, 4, 15, tzinfo=UTC)
"""Monday, 10:00 in New York."""
TODAY = NOW.date()
THURSDAY = datetime(2027, 1, 7, 23, 30, tzinfo=UTC)
"""18:30 in New York: when the group meets."""
OFFICE = Office(
    name="Oak Street Practice",
    sender_label="Oak St Office",
    phone="212-555-0199",
    country="US",
    time_zone="America/New_York",
)
HOURS = 60
EVIDENCE = Evidence(occurred_at=NOW, method="paper", taken_by="staff", wording="You may text me.", language="en")


def local(text: str, zone: ZoneInfo = NEW_YORK) -> datetime:
    """`2027-01-07 18:30` on a wall clock."""
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def practice(db: Session, office: Office = OFFICE, **changes: object) -> Practice:
    row = found(db, office, NOW)
    for name, value in changes.items():
        setattr(row, name, value)
    db.flush()
    return row


def staff(db: Session, email: str = "lee@oak.example.org", role: Role = Role.FACILITATOR) -> Staff:
    row = Staff(email=email, email_index=index_of(Channel.EMAIL, email), name="Lee", role=role, created_at=NOW)
    db.add(row)
    db.flush()
    return row


def group(
    db: Session,
    name: str = "Thursday grief group",
    *,
    time_zone: str = "America/New_York",
    place: str = "Room 2",
    link: str = "",
    outside_name: str = "Thursday group",
) -> Group:
    """Without rules and without sessions."""
    row = Group(
        name=name,
        name_index=schedule.name_index(name),
        outside_name=outside_name,
        time_zone=time_zone,
        created_at=NOW,
    )
    row.place, row.link = place, link
    db.add(row)
    db.flush()
    return row


def session(
    db: Session, of: Group, starts_at: datetime = THURSDAY, minutes: int = 90, **values: object
) -> GroupSession:
    row = GroupSession(
        group_id=of.id,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=minutes),
        created_at=NOW,
        start_revision=0,
        **values,
    )
    db.add(row)
    db.flush()
    return row


def rule(
    db: Session,
    of: Group,
    kind: Kind = Kind.REMINDER,
    minutes: int | None = 24 * HOURS,
    *,
    anchor: Anchor | None = None,
    days: int | None = None,
    at: time | None = None,
    via: Via = Via.CHOICE,
    stop_if_answered: bool = False,
) -> Rule:
    """A reminder a day before, unless told otherwise. Prompts come after the session."""
    after = kind in (Kind.REFLECTION, Kind.CHECKIN)
    position = db.scalars(select(func.count()).select_from(Rule).where(Rule.group_id == of.id)).one()
    row = Rule(
        group_id=of.id,
        kind=kind,
        anchor=anchor or (Anchor.AFTER if after else Anchor.BEFORE),
        minutes=None if days is not None else minutes,
        days=days,
        at=at,
        via=via,
        stop_if_answered=stop_if_answered,
        is_on=True,
        position=position,
    )
    db.add(row)
    db.flush()
    return row


def member(
    db: Session,
    name: str = "Anna Bell",
    *,
    mobile: str | None = None,
    email: str = "",
    choice: Choice = Choice.SMS,
    language: str = "en",
    time_zone: str | None = "America/New_York",
    agrees: Collection[Purpose] = MESSAGES,
) -> Member:
    """One with a number of their own, who agreed to everything on the channels of their choice."""
    if mobile is None:
        mobile = f"+1212555{100 + db.scalars(select(func.count()).select_from(Member)).one():04d}"
    person = enrol.Person(name, mobile, email, choice, language, time_zone)
    row = enrol.add_member(db, person, NOW)
    for channel in row.channels:
        ledger.agree(db, row, channel, agrees, EVIDENCE, NOW)
    return row


def companion(
    db: Session,
    of: Member,
    name: str = "Maria Holt",
    *,
    mobile: str = "+12125550177",
    email: str = "",
    choice: Choice = Choice.SMS,
    language: str = "en",
    companion_as: Companion = Companion.GUARDIAN,
    agrees: Collection[Purpose] = tuple(Purpose),
) -> Member:
    """Somebody who is reached for this member, and agreed to more than they are ever sent."""
    person = enrol.Person(name, mobile, email, choice, language, "America/New_York", mobile == of.mobile)
    row = enrol.add_companion(db, of, person, enrol.ToldAs(companion_as, "Her mother, on the phone"), NOW)
    for channel in row.channels:
        ledger.agree(db, row, channel, agrees, EVIDENCE, NOW)
    return row


def enrolled(db: Session, of: Group, who: Member, joined_on: date = TODAY, **values: object) -> Enrolment:
    row = Enrolment(group_id=of.id, member_id=who.id, joined_on=joined_on, **values)
    db.add(row)
    db.flush()
    return row


def withdraw(db: Session, who: Member, purposes: Collection[Purpose] = MESSAGES, now: datetime = NOW) -> None:
    for channel in who.channels:
        ledger.withdraw(db, who, channel, purposes, EVIDENCE, now)


def agree(db: Session, who: Member, purposes: Collection[Purpose] = MESSAGES, now: datetime = NOW) -> None:
    for channel in who.channels:
        ledger.agree(db, who, channel, purposes, EVIDENCE, now)


def answered(db: Session, about: GroupSession, who: Member, answer: Answer = Answer.COMING) -> Attendance:
    row = Attendance(
        group_session_id=about.id,
        member_id=who.id,
        answer=answer,
        answered_at=NOW,
        start_revision=about.start_revision,
    )
    db.add(row)
    db.flush()
    return row


def came(db: Session, about: GroupSession, who: Member, how: Came) -> Attendance:
    row = Attendance(group_session_id=about.id, member_id=who.id, came=how)
    db.add(row)
    db.flush()
    return row


@dataclass(frozen=True)
class Scene:
    """A group that meets on Thursday, a member of it, one rule, and what was planned for them."""

    group: UUID
    session: UUID
    member: UUID
    rule: UUID
    delivery: UUID


def scene(db: Session, kind: Kind = Kind.REMINDER, minutes: int = 24 * HOURS, **of_member: object) -> Scene:
    """One delivery, planned: by default a reminder, due on Wednesday at 18:30."""
    place = group(db)
    meeting = session(db, place)
    told = rule(db, place, kind, minutes)
    who = member(db, **of_member)
    enrolled(db, place, who)
    plan(db, NOW)
    row = db.scalars(select(Delivery).order_by(Delivery.channel.desc())).first()
    assert row is not None, "nothing was planned"
    return Scene(place.id, meeting.id, who.id, told.id, row.id)


def delivery(
    db: Session, who: Member, about: GroupSession | None = None, kind: Kind = Kind.REMINDER, **values: object
) -> Delivery:
    """A delivery without a rule, due now."""
    given = {
        "channel": Channel.SMS,
        "due_at": NOW,
        "next_at": NOW,
        "expires_at": NOW + timedelta(hours=12),
        "state": State.SCHEDULED,
        "start_revision": about.start_revision if about else 0,
        "fence": 0,
        "attempts": 0,
        "looks": 0,
        "why": "",
        **values,
    }
    row = Delivery(kind=kind, member_id=who.id, group_session_id=about.id if about else None, **given)
    db.add(row)
    db.flush()
    return row


def weekly(
    starts_on: date = date(2027, 1, 7), at: time = time(18, 30), minutes: int = 90, **changes: object
) -> schedule.Meeting:
    """Every Thursday at 18:30."""
    values = {"starts_on": starts_on, "frequency": Frequency.WEEKLY, "every": 1, "count": None, "until": None}
    values |= {"skips": frozenset(), **changes}
    return schedule.Meeting(Recurrence(**values), at, minutes)


def about(name: str = "Thursday grief group", time_zone: str = "America/New_York") -> schedule.About:
    return schedule.About(name=name, outside_name="Thursday group", time_zone=time_zone, place="Room 2")


def all_deliveries(db: Session) -> list[Delivery]:
    return list(db.scalars(select(Delivery).order_by(Delivery.due_at, Delivery.channel, Delivery.id)))


def on_sqlite(test: Any) -> Any:
    """A test that has nothing to learn from the other database."""
    return pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)(test)


def on_postgresql(test: Any) -> Any:
    return pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)(test)


def suppress_texts(db: Session, who: Member) -> None:
    assert who.mobile_index is not None
    suppress(db, Channel.SMS, who.mobile_index, "wrote STOP", NOW)
