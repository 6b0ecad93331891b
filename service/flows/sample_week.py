"""One session's messages as a member would get them, for a look ahead: nobody is written to, nothing is kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.flows import compose
from service.flows.consider import window
from service.models import Delivery, Group, GroupSession, Member, Practice, Rule
from service.rules.consent import Channel, Choice
from service.rules.kinds import Occasion, slot
from service.rules.lifecycle import State
from service.rules.recurrence import starts_at


@dataclass(frozen=True)
class Moment:
    """One message of the week, or the session itself."""

    due_at: datetime
    send_at: datetime | None
    """None: quiet hours leave no hour for it."""
    rule: Rule | None = None
    words: str = ""

    @property
    def is_held(self) -> bool:
        return self.send_at is not None and self.send_at != self.due_at


@dataclass(frozen=True)
class Week:
    """The messages about one session, the session among them, in order, and the nights between."""

    group_session: GroupSession
    moments: Sequence[Moment]
    first: datetime
    last: datetime
    nights: Sequence[tuple[datetime, datetime]]

    def percent(self, moment: datetime) -> float:
        """Where on the strip a moment lies."""
        share = (moment - self.first) / (self.last - self.first)
        return round(100 * min(1.0, max(0.0, share)), 2)


def sample_week(
    db: Session, group: Group, now: datetime, language: str = "en", *, in_detail: bool = False
) -> Week | None:
    """Around the group's next session, for a member on the group's clock who has not answered. None: no session.

    `in_detail`: for one who chose texts that name the group and the place, as far as they go out so.
    """
    about = db.scalars(GroupSession.next_after(group.id, now)).first()
    if about is None:
        return None
    practice = db.scalars(select(Practice)).one()
    member = Member(choice=Choice.SMS, language=language, time_zone=group.time_zone, number_zones=[])
    moments = [_moment(db, rule, about, member, practice, in_detail=in_detail) for rule in group.rules if rule.is_on]
    moments.append(Moment(about.starts_at, about.starts_at))
    moments.sort(key=lambda one: one.send_at or one.due_at)
    ends = [at for one in moments for at in (one.due_at, one.send_at) if at is not None]
    first, last = min(ends) - timedelta(hours=12), max(ends) + timedelta(hours=12)
    return Week(about, moments, first, last, _nights(group, practice, first, last))


def _moment(
    db: Session, rule: Rule, about: GroupSession, member: Member, practice: Practice, *, in_detail: bool
) -> Moment:
    group = about.group
    due_at = rule.timing.due_at(about.starts_at, about.ends_at, group.zone)
    following = db.scalars(GroupSession.next_after(group.id, about.starts_at)).first()
    occasion = Occasion(
        starts_at=about.starts_at,
        ends_at=about.ends_at,
        window=window(practice, group.time_zone, member),
        known_from=due_at - timedelta(days=14),
        next_starts_at=following.starts_at if following else None,
    )
    send_at = slot(rule.kind, due_at, occasion).send_at
    delivery = Delivery(
        kind=rule.kind,
        channel=Channel.SMS,
        member=member,
        group_session=about,
        group_session_id=about.id,
        state=State.SCHEDULED,
        attempts=0,
    )
    words = compose.words_of(db, delivery, practice, send_at or due_at, in_detail=in_detail).text
    return Moment(due_at, send_at, rule, words)


def _nights(group: Group, practice: Practice, first: datetime, last: datetime) -> list[tuple[datetime, datetime]]:
    day, nights = first.astimezone(group.zone).date() - timedelta(days=1), []
    while starts_at(day, time(), group.zone) < last:
        closes = starts_at(day, practice.closes, group.zone)
        day += timedelta(days=1)
        opens = starts_at(day, practice.opens, group.zone)
        if opens > first and closes < last:
            nights.append((max(first, closes), min(last, opens)))
    return nights
