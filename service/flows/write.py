"""Staff write to one or all of a group: the same way out as every message, with the consent that reminders need."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from service import texts
from service.flows import reword
from service.flows.budget import Budget
from service.flows.consider import window
from service.flows.scope import across_groups
from service.flows.standing import standings
from service.models import Delivery, Group, GroupSession, Member, Practice
from service.models.base import uuid7
from service.rules import fields, wording
from service.rules.consent import Channel, Refusal, Standing
from service.rules.kinds import NATURES, Kind, expires_at
from service.rules.lifecycle import State
from service.rules.segments import count

LONGEST = 300
MOST_PARTS = 2
BY_STAFF = "written by staff"
ABOUT_A_SESSION = ("day", "time")
NIGHT = "no hour of the day is day on every clock that may be theirs"


@dataclass
class Reach:
    """To whom a message would go, and who would be skipped and why."""

    deliveries: list[Delivery] = field(default_factory=list)
    skipped: list[tuple[Member, str]] = field(default_factory=list)

    @property
    def people(self) -> int:
        return len({row.member_id for row in self.deliveries})

    def by(self, channel: Channel) -> int:
        return sum(row.channel == channel for row in self.deliveries)

    @property
    def held(self) -> int:
        """How many wait for the end of quiet hours."""
        return sum(row.next_at > row.due_at for row in self.deliveries)


@dataclass(frozen=True)
class Draft:
    """What staff want to say, about which session if any, and when."""

    words: str
    about: GroupSession | None
    at: datetime
    why: str = BY_STAFF
    once: UUID | None = None
    """Of the page on which it is confirmed: pressed twice, it goes once."""

    def id_for(self, member: Member, channel: Channel) -> UUID:
        return uuid5(self.once, f"{member.id} {channel}") if self.once else uuid7()


def problems(db: Session, words: str, about: GroupSession | None) -> list[str]:
    """Why these words cannot be sent, each with what to do."""
    known = ABOUT_A_SESSION if about else ()
    listed = " and ".join(f"{{{name}}}" for name in known) or "none here"
    found = [f"{name} is not a field. There are: {listed}." for name in fields.unknown(words, known)]
    found += [problem.advice for problem in wording.problems(words, reword.names(db))]
    practice = db.scalars(select(Practice)).one()
    sizes = [count(sample(practice, words, language)).segments for language in texts.LANGUAGES]
    if max(sizes) > MOST_PARTS:
        found.append(f"Shorten it: it takes more than {MOST_PARTS} parts as a text.")
    return found


def sample(practice: Practice, words: str, language: str) -> str:
    """As a text with the longest values."""
    said = texts.filled("page", words, practice, language, texts.LONGEST)
    return texts.filled("sms", texts.ours("sms", "staff_note", language), practice, language, {"words": said})


@across_groups
def reach(db: Session, members: Sequence[Member], draft: Draft, now: datetime) -> Reach:
    """Whom the draft would reach by what is known now. Nothing is planned by it: `send` does that."""
    found = Reach()
    practice = db.scalars(select(Practice)).one()
    standing = standings(db, members)
    one_round = _Round(draft, practice, Budget(db, members, practice, draft.at, with_planned=False))
    for member in members:
        tried = [one_round.planned(member, channel, standing[member.id]) for channel in Channel]
        found.deliveries += [one for one in tried if isinstance(one, Delivery)]
        refusals = [one for one in tried if not isinstance(one, Delivery)]
        if len(refusals) == len(tried):
            found.skipped.append((member, next((one for one in refusals if one != Refusal.NOT_CHOSEN), refusals[0])))
    return found


@across_groups
def send(db: Session, found: Reach, now: datetime, group: Group | None = None) -> int:
    """Plan what was found, in this transaction; `group`: written from there, about none of its sessions. Every fact is
    read again when it goes. How many messages: none where they were planned by an earlier press."""
    try:
        with db.begin_nested():
            db.add_all(found.deliveries)
    except IntegrityError:
        return 0
    if group is not None:
        for row in found.deliveries:
            row.note_group(db, group.id, now)
    return len(found.deliveries)


def change(delivery: Delivery, draft: Draft, practice: Practice) -> None:
    """Other words or another hour for one that waits. Raises ValueError where no hour is left."""
    zone = draft.about.group.time_zone if draft.about else practice.time_zone
    opens = window(practice, zone, delivery.member).next_opening(draft.at)
    if opens is None:
        raise ValueError(NIGHT)
    delivery.body = draft.words
    delivery.due_at, delivery.next_at, delivery.queued_until = draft.at, opens, None
    delivery.expires_at = expires_at(Kind.NOTE, opens, None)


@dataclass(frozen=True)
class _Round:
    """One look at everybody: what is the same for all of them."""

    draft: Draft
    practice: Practice
    budget: Budget

    def planned(self, member: Member, channel: Channel, standing: Standing) -> Delivery | str:
        """What would go to the member on this channel, or why nothing would."""
        purpose = NATURES[Kind.NOTE].purpose
        if channel not in member.choice.channels:
            return Refusal.NOT_CHOSEN
        if member.stopped_at is not None:
            return Refusal.HALTED
        refusal = purpose and standing.refusal(channel, purpose, member.address_index(channel))
        if refusal:
            return refusal
        about = self.draft.about
        zone = about.group.time_zone if about else self.practice.time_zone
        opens = window(self.practice, zone, member).next_opening(self.draft.at)
        if opens is None:
            return NIGHT
        delivery = self._delivery(member, channel, opens)
        return delivery if self.budget.has_room(delivery) else Refusal.CAP

    def _delivery(self, member: Member, channel: Channel, opens: datetime) -> Delivery:
        about = self.draft.about
        delivery = Delivery(
            id=self.draft.id_for(member, channel),
            kind=Kind.NOTE,
            channel=channel,
            member_id=member.id,
            member=member,
            group_session_id=about.id if about else None,
            start_revision=about.start_revision if about else 0,
            due_at=self.draft.at,
            next_at=opens,
            expires_at=expires_at(Kind.NOTE, opens, None),
            why=self.draft.why,
            state=State.SCHEDULED,
            attempts=0,
        )
        delivery.body = self.draft.words
        return delivery
