"""Staff put a text into their own words: checked before it is kept, in versions, and back to ours at any time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, true
from sqlalchemy.orm import Session

from service import texts
from service.flows.scope import across_groups
from service.flows.standing import standings, wants_detail
from service.flows.way_out import with_way_out
from service.models import Delivery, Group, Member, Practice, Staff, Wording
from service.rules import fields, wording
from service.rules.consent import Channel, Purpose
from service.rules.kinds import PROMPTS, REMINDERS, Kind
from service.rules.lifecycle import State
from service.rules.segments import count

MOST_PARTS = 2
MORE_THAN = 50
"""People who have a message of this text coming: then it is asked about once more."""
MEDIA = ("sms", "page")
_kept: dict[UUID, tuple[int, Mapping[tuple[str, str, str], Wording]]] = {}


@dataclass(frozen=True)
class Editable:
    """A text that staff may edit: what it is for, and the fields of its own besides those of every text."""

    key: str
    title: str
    kinds: tuple[Kind, ...]
    fields: tuple[str, ...]

    @property
    def readers(self) -> ColumnElement[bool]:
        """Members, their companions, or both."""
        if self.key in TO_COMPANIONS.values():
            return Member.reached_for_id.is_not(None)
        return Member.reached_for_id.is_(None) if self.key in TO_COMPANIONS else true()

    @property
    def in_detail(self) -> bool:
        """Names the group and the place: only as a text, in one part, and only for those who chose it."""
        return "group" in self.fields

    @property
    def media(self) -> tuple[str, ...]:
        return ("sms",) if self.in_detail else MEDIA

    @property
    def most_parts(self) -> int:
        return 1 if self.in_detail else MOST_PARTS


TO_COMPANIONS = {
    "reminder_discreet": "reminder_companion",
    "same_day_discreet": "same_day_companion",
    "reschedule": "reschedule_companion",
}
"""What companions read in place of what members read: whether the member comes is not theirs to answer."""
START, NEXT = ("day", "time"), ("day", "time", "next_day", "next_time")
NAMED = (*START, "group", "place")
EDITABLE = {
    row.key: row
    for row in (
        Editable("reminder_discreet", "Reminder", (Kind.REMINDER, Kind.SAME_DAY), START),
        Editable("same_day_discreet", "Same-day reminder", (Kind.SAME_DAY,), START),
        Editable("reminder_detailed", "Reminder, with name and place", (Kind.REMINDER, Kind.SAME_DAY), NAMED),
        Editable("same_day_detailed", "Same-day reminder, with name and place", (Kind.SAME_DAY,), NAMED),
        Editable("reflection_prompt", "Reflection question", (Kind.REFLECTION,), START),
        Editable("checkin_0_10", "Check-in", (Kind.CHECKIN,), START),
        Editable("goal_checkin", "Goal question", (Kind.GOAL,), START),
        Editable("reschedule", "Notice: moved", (Kind.MOVED,), NEXT),
        Editable("cancellation", "Notice: cancelled", (Kind.CANCELLED,), NEXT),
        Editable("cancellation_last", "Notice: cancelled, none follows", (Kind.CANCELLED,), START),
        Editable("reminder_companion", "Reminder to a guardian, carer or interpreter", (*REMINDERS,), START),
        Editable("same_day_companion", "Same-day reminder to one of them", (Kind.SAME_DAY,), START),
        Editable("reschedule_companion", "Notice to one of them: moved", (Kind.MOVED,), NEXT),
    )
}
COMMON = ("sender", "phone", "hours", "crisis", "crisis_short", "danger")


def in_force(db: Session, practice: Practice, medium: str, key: str, language: str) -> Wording | None:
    """Staff's own text, or None: ours. Read from the database once a version, not once a message."""
    if not practice.wordings_version:
        return None
    known = _kept.get(practice.id)
    if known is None or known[0] != practice.wordings_version:
        known = (practice.wordings_version, Wording.newest(db.scalars(select(Wording)).all()))
        _kept.clear()  # one practice a process: what is older is of no more use
        _kept[practice.id] = known
    row = known[1].get((medium, key, language))
    return row if row is not None and row.words is not None else None


def problems(db: Session, medium: str, key: str, language: str, words: str) -> list[str]:
    """Why these words cannot be kept, each with what to do. None: they can."""
    known = (*COMMON, *EDITABLE[key].fields)
    listed = ", ".join(f"{{{name}}}" for name in known)
    found = [f"{name} is not a field. There are {listed}." for name in fields.unknown(words, known)]
    if found:
        return found
    ours = texts.ours(medium, key, language)
    found = [f"Keep {what}: readers need it." for what in fields.missing(words, ours)]
    if not words.startswith("{sender}"):
        found.append("Begin with {sender}: a screen shows who writes first.")
    found += [problem.advice for problem in wording.problems(words, names(db), in_detail=EDITABLE[key].in_detail)]
    return found


@across_groups
def names(db: Session) -> list[str]:
    """What no text may name: groups as staff call them, staff, members. Whole names; of groups the outside name too."""
    groups = [name for row in db.scalars(select(Group)) for name in (row.name, row.outside_name)]
    return [
        *groups,
        *(row.name for row in db.scalars(select(Staff))),
        *(row.name for row in db.scalars(Member.there())),
    ]


@across_groups
def first_names(db: Session, words: str) -> list[str]:
    """First names of members that these words seem to hold. They may be meant otherwise: May, Hope."""
    firsts = {row.name.split()[0] for row in db.scalars(Member.there()) if row.name.split()}
    spoken = {word.strip(".,:;!?'’\"()") for word in words.split()}
    return sorted(firsts & {word for word in spoken if word[:1].isupper() and len(word) > 1})


@dataclass(frozen=True)
class Sample:
    """A text as the longest values make it."""

    text: str
    encoding: str
    units: int
    parts: int

    @property
    def lock_screen(self) -> str:
        return self.text[:40]


def sample(practice: Practice, of: tuple[str, str, str], words: str) -> Sample:
    medium, key, language = of
    text = texts.filled(medium, words, practice, language, texts.LONGEST)
    if medium == "sms" and PROMPTS.intersection(EDITABLE[key].kinds):
        text = with_way_out(text, language)
    size = count(text)
    return Sample(text, size.encoding.value, size.units, size.segments)


@across_groups
def save(
    db: Session, practice: Practice, of: tuple[str, str, str], words: str | None, staff_id: UUID | None, now: datetime
) -> Wording:
    """Keep another version; None goes back to ours. What has not left goes out with it."""
    db.execute(select(Practice.id).where(Practice.id == practice.id).with_for_update())
    last = db.scalars(Wording.versions(*of).limit(1)).first()
    medium, key, language = of
    row = Wording(
        medium=medium,
        key=key,
        language=language,
        version=(last.version if last else 0) + 1,
        words=words,
        staff_id=staff_id,
        at=now,
    )
    db.add(row)
    practice.wordings_version += 1
    db.flush()
    return row


@across_groups
def awaited_by(db: Session, of: Editable) -> int:
    """How many people have a message of this text coming."""
    waits = (Delivery.state == State.SCHEDULED, Delivery.kind.in_(of.kinds), of.readers)
    if not of.in_detail:
        query = select(func.count(Delivery.member_id.distinct())).join(Member, Member.id == Delivery.member_id)
        return db.scalar(query.where(*waits)) or 0
    by_text = select(Delivery.member_id).where(Delivery.channel == Channel.SMS, *waits[:2])
    members = db.scalars(select(Member).where(Member.id.in_(by_text))).all()
    current = standings(db, members, [Purpose.DETAILED])
    return sum(wants_detail(member, current[member.id]) for member in members)
