"""A believable practice for a first look: three groups, twenty-four members, weeks behind and ahead. Nobody is real."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.flows import compose
from service.flows.check_in import keep_answer
from service.flows.consider import delivery_id
from service.flows.enrol import Person, add_member, join, record_consent
from service.flows.ledger import Evidence
from service.flows.schedule import About, Meeting, add_group
from service.models import Attendance, Delivery, Group, GroupSession, Member, Practice, Reply, Series
from service.models.groups import Answer, Came
from service.models.sealed import index_of
from service.rules.consent import Channel, Choice, Purpose
from service.rules.kinds import Kind
from service.rules.lifecycle import State
from service.rules.recurrence import Recurrence, starts_at
from service.rules.understanding import Meaning

WEEKS_BEHIND = 6
SIZE = 8
STEPS = 3 * SIZE

NAMES = (
    "Ana Diaz", "Ben Cole", "Cleo Park", "Dev Patel", "Ella Stone", "Femi Ade", "Grace Lim", "Hugo Marsh",
    "Ines Vega", "Jonah West", "Kira Novak", "Leo Brandt", "Maya Rosen", "Noor Hadi", "Owen Clark", "Priya Shah",
    "Quinn Baker", "Rosa Leal", "Sam Foster", "Tess Moran", "Uma Reyes", "Vik Anand", "Wren Ellis", "Yara Costa",
)  # fmt: skip

GROUPS = (
    ("Grief and loss, evenings", "Evening group", "Room 1, Elm Street"),
    ("Anxiety skills", "Skills group", "Room 2, Elm Street"),
    ("Early recovery", "Morning circle", "Room 1, Elm Street"),
)

WORDS = (
    "Thank you for last night. It helped to hear the others.",
    "I will try the breathing before work this week.",
    "Could I bring my notebook next time?",
    "Running a little late on the bus, start without me.",
)

DAYTIME = (time(10), time(19))
ZONES = ("America/New_York", "Europe/London", "Asia/Kolkata", "Australia/Sydney", "America/Los_Angeles")


class NotEmpty(Exception):
    """There are groups already. The text says so."""


@dataclass(frozen=True)
class _Chapter:
    """One group with its members, while it is being filled."""

    group: Group
    series: Series
    members: Sequence[Member]


def fill(db: Session, now: datetime, on_member: Callable[[], object]) -> None:
    """Fill an empty database. The first group's reminder is due within the minute. Raises NotEmpty."""
    if db.scalars(select(Group.id)).first() is not None:
        raise NotEmpty("There are groups already. Use an empty DATA_DIR for the demo.")
    dice = random.Random(7)
    zone = _where_it_is_day(now)
    practice = db.scalars(select(Practice)).one()
    practice.name, practice.sender_label, practice.phone = "Elm Street Practice", "Elm St Office", "212-555-0123"
    practice.time_zone = zone.key
    names = iter(NAMES)
    for number, (name, outside, place) in enumerate(GROUPS):
        group = _group(db, number, About(name, outside, zone.key, place), now)
        members = [_member(db, group, next(names), number * SIZE + seat, now, on_member) for seat in range(SIZE)]
        chapter = _Chapter(group, group.series[0], members)
        for weeks in range(WEEKS_BEHIND, 0, -1):
            _week_behind(db, chapter, weeks, now, dice, practice)
        _answers_ahead(db, chapter, now, dice)


def _where_it_is_day(now: datetime) -> ZoneInfo:
    """A place whose clock lets a reminder out now: nobody waits for the morning to see one."""
    for name in ZONES:
        zone = ZoneInfo(name)
        if DAYTIME[0] <= now.astimezone(zone).time() < DAYTIME[1]:
            return zone
    return ZoneInfo(ZONES[0])


def _group(db: Session, number: int, about: About, now: datetime) -> Group:
    """The first group meets a day and a minute from now, the others on the days after."""
    zone = ZoneInfo(about.time_zone)
    first = (now + timedelta(days=1 + 2 * number, minutes=1)).astimezone(zone)
    starts_on = first.date() - timedelta(weeks=WEEKS_BEHIND)
    at = first.time().replace(second=0, microsecond=0)
    return add_group(db, about, Meeting(Recurrence(starts_on, count=16), at, 90), now)


def _member(
    db: Session, group: Group, name: str, number: int, now: datetime, on_member: Callable[[], object]
) -> Member:
    mobile = f"+1202555{100 + number:04d}"
    email = f"{name.split()[0].lower()}@sandbox.test"
    choice = (Choice.SMS, Choice.SMS, Choice.SMS, Choice.BOTH)[number % 4]
    person = Person(name, mobile, email, choice, "es" if number % 6 == 5 else "en", group.time_zone)
    member = add_member(db, person, now)
    since = now - timedelta(weeks=WEEKS_BEHIND, days=3)
    join(db, group, member, since.astimezone(group.zone).date(), now)
    evidence = Evidence(since, "paper", "demo", "You may text me about my appointments.", "en")
    record_consent(db, member, member.channels, (Purpose.REMINDER, Purpose.REFLECTION, Purpose.CHECKIN), evidence, now)
    on_member()
    return member


def _week_behind(
    db: Session, chapter: _Chapter, weeks: int, now: datetime, dice: random.Random, practice: Practice
) -> None:
    """One session that was, with who came, what was sent about it, and what was answered."""
    series, group = chapter.series, chapter.group
    on = series.starts_on + timedelta(weeks=WEEKS_BEHIND - weeks)
    start = starts_at(on, series.at, group.zone)
    group_session = GroupSession(
        group_id=group.id,
        series_id=series.id,
        series_on=on,
        starts_at=start,
        ends_at=start + timedelta(minutes=series.minutes),
        created_at=start - timedelta(weeks=1),
    )
    db.add(group_session)
    db.flush()
    for member in chapter.members:
        is_coming = dice.random() < 0.85
        db.add(
            Attendance(
                group_session_id=group_session.id,
                member_id=member.id,
                answer=Answer.COMING if is_coming else Answer.CANNOT,
                answered_at=start - timedelta(hours=dice.randint(4, 60)),
                came=Came.CAME if is_coming else Came.EXCUSED,
            )
        )
        sent = [delivery for delivery in _sent(group_session, member, is_coming) if delivery.due_at <= now]
        for delivery in sent:
            db.add(delivery)
            db.flush()
            delivery.body = compose.words_of(db, delivery, practice, delivery.due_at).text
        replies = list(_replies(group_session, member, weeks, dice)) if is_coming else []
        for reply in replies:
            if reply.received_at < now:
                _keep(db, reply, sent)


def _sent(group_session: GroupSession, member: Member, is_coming: bool) -> Iterator[Delivery]:
    """What went out about a session that is over."""
    about = [(Kind.REMINDER, group_session.starts_at - timedelta(days=1))]
    if is_coming:
        about.append((Kind.CHECKIN, group_session.ends_at + timedelta(days=3)))
    for kind, at in about:
        yield Delivery(
            id=delivery_id(group_session.starts_at, "demo", kind, group_session.id, member.id),
            kind=kind,
            channel=Channel.SMS,
            member_id=member.id,
            group_session_id=group_session.id,
            due_at=at,
            next_at=at,
            expires_at=at + timedelta(hours=2),
            state=State.DELIVERED,
            attempts=1,
            marked_at=at,
            accepted_at=at,
            settled_at=at + timedelta(seconds=4),
            address=member.mobile,
            address_index=member.mobile_index,
        )


def _replies(group_session: GroupSession, member: Member, weeks: int, dice: random.Random) -> Iterator[Reply]:
    """Most check-ins answered with a number, a little higher from week to week; now and then a few words."""
    texts = []
    if dice.random() < 0.9:
        score = 3 + sum(member.name.encode()) % 4 + (WEEKS_BEHIND - weeks) // 2 + dice.randint(-1, 1)
        texts.append((str(min(10, score)), "score", timedelta(days=3, hours=1)))
    if dice.random() < 0.15:
        texts.append((dice.choice(WORDS), "words", timedelta(hours=20)))
    for text, meaning, after in texts:
        at = group_session.ends_at + after
        yield Reply(
            provider_id=f"{Reply.MADE_UP}{group_session.id}:{member.id}:{meaning}",
            channel=Channel.SMS,
            member_id=member.id,
            address_index=index_of(Channel.SMS, member.mobile),
            address=member.mobile,
            text=text,
            received_at=at,
            meaning=meaning,
            handled_at=at + timedelta(hours=2) if weeks > 1 or meaning == "score" else None,
        )


def _keep(db: Session, reply: Reply, sent: Sequence[Delivery]) -> None:
    """The reply; a number is the answer to the check-in that asked for it."""
    db.add(reply)
    asked = next((one for one in sent if one.kind is Kind.CHECKIN), None)
    if reply.meaning == Meaning.SCORE and asked is not None:
        keep_answer(db, asked, reply, reply.text or "", reply.received_at)


def _answers_ahead(db: Session, chapter: _Chapter, now: datetime, dice: random.Random) -> None:
    """Some have answered for the next session of the later groups already."""
    following = db.scalars(GroupSession.next_after(chapter.group.id, now)).first()
    if following is None or following.starts_at - now < timedelta(days=2):
        return
    for member in chapter.members[: dice.randint(3, 6)]:
        db.add(
            Attendance(
                group_session_id=following.id,
                member_id=member.id,
                answer=dice.choice((Answer.COMING, Answer.COMING, Answer.COMING, Answer.CANNOT)),
                answered_at=now - timedelta(hours=dice.randint(1, 20)),
            )
        )
