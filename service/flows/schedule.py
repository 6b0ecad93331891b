"""Groups, series and sessions are added, changed, moved, cancelled; deliveries follow in the same transaction."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.flows import detail
from service.flows.announce import News, Told, announce
from service.flows.plan import plan
from service.flows.scope import across_groups, whole
from service.models import Delivery, Group, GroupSession, Rule, Series
from service.models.groups import SessionState
from service.models.sealed import index_of
from service.rules.group_rows import Called, GroupRow
from service.rules.kinds import DEFAULT_RULES, Kind
from service.rules.recurrence import Recurrence, starts_at

AHEAD = timedelta(weeks=12)
"""So far ahead a series' sessions stand in the calendar."""
LONGEST = timedelta(weeks=52 * 9)
"""More than a counted series of any form takes."""


@dataclass(frozen=True)
class Meeting:
    """When a series meets: its dates, and the hour on the group's wall clock."""

    recurrence: Recurrence
    at: time
    minutes: int


@dataclass(frozen=True)
class About:
    """What a group is called and where it meets."""

    name: str
    outside_name: str
    time_zone: str
    place: str = ""
    link: str = ""
    capacity: int = 10
    facilitator_id: UUID | None = None


def add_group_of(db: Session, row: GroupRow, facilitator_id: UUID | None, now: datetime) -> Group:
    """A group as it was typed, or as a row of a file has it."""
    about = About(row.name, row.outside_name, row.time_zone, row.place, row.link, row.capacity, facilitator_id)
    return add_group(db, about, Meeting(row.recurrence, row.at, row.minutes), now)


@across_groups
def add_group(db: Session, about: About, meeting: Meeting, now: datetime) -> Group:
    """A group with its series, the practice's default rules, and its sessions of the coming twelve weeks."""
    group = Group(
        name=about.name,
        name_index=name_index(about.name),
        outside_name=about.outside_name,
        time_zone=about.time_zone,
        capacity=about.capacity,
        facilitator_id=about.facilitator_id,
        created_at=now,
        planned_at=now,
    )
    group.place, group.link = about.place, about.link
    db.add(group)
    db.flush()
    for position, default in enumerate(DEFAULT_RULES):
        db.add(
            Rule(
                group_id=group.id,
                kind=default.kind,
                anchor=default.timing.anchor,
                minutes=default.timing.minutes,
                days=default.timing.days,
                at=default.timing.at,
                stop_if_answered=default.stop_if_answered,
                is_on=default.is_on,
                position=position,
            )
        )
    add_series(db, group, meeting, now)
    return group


def call_group(db: Session, group: Group, called: Called, taken_by: str, now: datetime) -> int:
    """Another name, place or size. What is still to be sent says so: its words are made when it leaves.

    Returns how many members chose texts that name the group, and get discreet ones until they choose anew.
    """
    is_told_otherwise = (called.outside_name, called.place) != (group.outside_name, group.place)
    group.name, group.name_index = called.name, name_index(called.name)
    group.outside_name, group.place, group.link = called.outside_name, called.place, called.link
    group.capacity = called.capacity
    return detail.end_in(db, group, taken_by, now) if is_told_otherwise else 0


def name_is_taken(db: Session, name: str, by_another_than: Group | None = None) -> bool:
    """Also of groups that whoever asks may not see."""
    query = select(Group.id).where(Group.name_index == name_index(name))
    with whole(db):
        ids = set(db.scalars(query))
    return bool(ids - ({by_another_than.id} if by_another_than else set()))


def name_index(name: str) -> bytes:
    """What a group's staff name is found by: case and spaces aside."""
    return index_of("group", " ".join(name.casefold().split()))


def add_series(db: Session, group: Group, meeting: Meeting, now: datetime) -> Series:
    """A series of the group, its sessions, and their deliveries."""
    series = Series(group_id=group.id, **_columns(meeting))
    db.add(series)
    db.flush()
    db.refresh(group, ["series"])
    materialise(db, series, now)
    plan(db, now, [group])
    return series


def materialise(db: Session, series: Series, now: datetime) -> int:
    """Put the sessions of the coming twelve weeks into the calendar. Safe to repeat. Returns how many were new."""
    new = missing(db, series, now)
    for day in new:
        start = starts_at(day, series.at, series.group.zone)
        db.add(
            GroupSession(
                group_id=series.group_id,
                series_id=series.id,
                series_on=day,
                starts_at=start,
                ends_at=start + timedelta(minutes=series.minutes),
                created_at=now,
            )
        )
    db.flush()
    return len(new)


def later_dates(group: Group, now: datetime) -> list[date] | None:
    """The dates after those that stand in the calendar. None where a series has no end."""
    if not all(series.count or series.until for series in group.series):
        return None
    after = now.astimezone(group.zone).date() + AHEAD + timedelta(days=1)
    return sorted(day for series in group.series for day in series.recurrence.dates(after, after + LONGEST))


def missing(db: Session, series: Series, now: datetime) -> list[date]:
    """Dates of the coming twelve weeks that are not in the calendar yet.

    A date that stands already is left as it is, whether it was moved, cancelled or held.
    """
    today = now.astimezone(series.group.zone).date()
    known = set(db.scalars(select(GroupSession.series_on).where(GroupSession.series_id == series.id)))
    return [day for day in series.recurrence.dates(today, today + AHEAD) if day not in known]


@across_groups
def change_from(db: Session, group_session: GroupSession, meeting: Meeting, now: datetime) -> Told:
    """This session of a series and all later ones meet differently: the old series ends before, a new one begins.

    Sessions that stay on their date keep their answers. Members are told of the first one that changes, and of those
    that they were reminded of already; of the others their reminders will tell.
    """
    group = group_session.group
    series = db.get_one(Series, group_session.series_id)
    from_on = group_session.series_on or group_session.starts_at.astimezone(group.zone).date()
    later = db.scalars(
        select(GroupSession)
        .where(GroupSession.series_id == series.id, GroupSession.series_on >= from_on, GroupSession.starts_at > now)
        .order_by(GroupSession.starts_at)
    ).all()
    new = Series(group_id=group.id, **_columns(meeting))
    db.add(new)
    db.flush()
    kept = set(new.recurrence.dates(from_on, from_on + 2 * AHEAD))
    changed = [one for one in later if _carry_over(db, one, new, kept)]
    series.until, series.count = from_on - timedelta(days=1), None
    db.flush()
    materialise(db, new, now)
    told = Told()
    for one in changed:
        if one is changed[0] or _was_spoken_of(db, one):
            told += announce(db, _news(one), now)
    plan(db, now, [group])
    return told


@across_groups
def move_session(db: Session, group_session: GroupSession, new_start: datetime, now: datetime) -> Told:
    """The session starts at another time. What was planned for the old start is void; members are told once."""
    _lock(db, group_session)
    if new_start == group_session.starts_at:
        return Told()
    _shift(group_session, new_start)
    db.flush()
    told = announce(db, _news(group_session), now)
    plan(db, now, [group_session.group])
    return told


@across_groups
def cancel_session(db: Session, group_session: GroupSession, now: datetime) -> Told:
    """The session does not take place. What was planned for it is void; members are told once. Safe to repeat."""
    _lock(db, group_session)
    if group_session.is_cancelled:
        return Told()
    group_session.state = SessionState.CANCELLED
    db.flush()
    told = announce(db, _news(group_session), now)
    plan(db, now, [group_session.group])
    return told


def _carry_over(db: Session, group_session: GroupSession, new: Series, kept: set[date]) -> bool:
    """Give a session of the old series to the new one, at its new hour; cancel one that has no date there.

    Returns whether its members have to know.
    """
    _lock(db, group_session)
    day = group_session.series_on
    was_cancelled = group_session.is_cancelled
    if day is None or day not in kept:
        group_session.state = SessionState.CANCELLED
        return not was_cancelled
    group_session.series_id = new.id
    if was_cancelled:
        return False  # it stands for its day in the new series, which so adds no other
    start = starts_at(day, new.at, group_session.group.zone)
    has_moved = start != group_session.starts_at
    if has_moved:
        _shift(group_session, start)
    group_session.ends_at = start + timedelta(minutes=new.minutes)
    return has_moved


def _shift(group_session: GroupSession, new_start: datetime) -> None:
    length = group_session.ends_at - group_session.starts_at
    group_session.moved_from = group_session.starts_at
    group_session.starts_at, group_session.ends_at = new_start, new_start + length
    group_session.start_revision += 1


def _news(group_session: GroupSession) -> News:
    """What members have to know, before the earlier of the starts that they may have in mind."""
    if group_session.is_cancelled:
        return News(Kind.CANCELLED, group_session, group_session.starts_at)
    before = min(group_session.starts_at, group_session.moved_from or group_session.starts_at)
    return News(Kind.MOVED, group_session, before)


def _was_spoken_of(db: Session, group_session: GroupSession) -> bool:
    """Whether any member was sent a message about it."""
    query = select(Delivery.id).where(Delivery.group_session_id == group_session.id, Delivery.marked_at.is_not(None))
    return db.scalars(query.limit(1)).first() is not None


def _lock(db: Session, group_session: GroupSession) -> None:
    """Until this transaction ends nothing is marked for this session."""
    db.flush()  # reading it again would undo what is not written yet
    db.refresh(group_session, with_for_update=True)


def _columns(meeting: Meeting) -> dict[str, object]:
    recurrence = meeting.recurrence
    return {
        "frequency": recurrence.frequency,
        "every": recurrence.every,
        "starts_on": recurrence.starts_on,
        "at": meeting.at,
        "minutes": meeting.minutes,
        "count": recurrence.count,
        "until": recurrence.until,
        "skips": sorted(day.isoformat() for day in recurrence.skips),
    }
