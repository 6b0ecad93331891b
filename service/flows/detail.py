"""Reminders by text that name the group and the place: who chose them, how they read, when they are discreet again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from service import texts
from service.flows import compose
from service.flows.ledger import Evidence, withdraw
from service.flows.scope import across_groups
from service.flows.standing import standings
from service.models import Enrolment, Group, GroupSession, Invitation, Member, Practice
from service.rules.consent import Channel, Purpose

GROUP_CHANGED = "group changed"
GROUP_JOINED = "joined a group"


@dataclass(frozen=True)
class Offer:
    """What can be chosen: the texts as they would go out about each group's next session, word for word."""

    texts: Sequence[str] = ()
    obstacle: str = ""
    """Why it cannot, for staff to read."""

    @property
    def proof(self) -> dict[str, str]:
        """As it goes into the ledger, sealed: it names the group."""
        return {"sample": "\n".join(self.texts)}


NOTHING = Offer()


def example(practice: Practice, language: str) -> Offer:
    """For whoever looks at the page without being a member: of a group that is not."""
    return Offer([texts.sms(key, practice, language, texts.LONGEST) for key in compose.DETAILED.values()])


def offer(db: Session, member: Member, practice: Practice, now: datetime) -> Offer:
    """Texts of every group of theirs, or none: what was not shown was not agreed to."""
    if member.mobile_index is None:
        return Offer(obstacle="They have no mobile number.")
    if member.is_companion:
        return Offer(obstacle="They are told when it is, and nothing else.")
    if member.stays_discreet:
        return Offer(obstacle="Others read their texts too, so these stay discreet.")
    seen, everywhere = _groups(db, member, now), across_groups(_groups)(db, member, now)
    if len(seen) < len(everywhere):
        return Offer(obstacle="They are in a group that is not yours, too: let them choose on their own page.")
    found = [samples(db, group, member, practice, now) for group in seen]
    barred = next((one for one in found if not one.texts), None)
    return barred or Offer([text for one in found for text in one.texts], "" if found else "They are in no group.")


def samples(db: Session, group: Group, member: Member, practice: Practice, now: datetime) -> Offer:
    """The texts that would name this group, and why the first of them that cannot go out cannot."""
    about = db.scalars(GroupSession.next_after(group.id, now)).first()
    values = texts.fields_of(about, member, practice) if about else texts.LONGEST
    told = [compose.detailed(db, key, group, member.language, practice, values) for key in compose.DETAILED.values()]
    return Offer(
        [one.words.text for one in told if not one.obstacle],
        next((one.obstacle for one in told if one.obstacle), ""),
    )


def obstacle(db: Session, group: Group, language: str, now: datetime) -> str:
    """Why a text of this group stays discreet for everybody, for staff to read; "" where none has to."""
    reader = Member(language=language, time_zone=group.time_zone)
    return samples(db, group, reader, db.scalars(select(Practice)).one(), now).obstacle


@across_groups
def end_in(db: Session, group: Group, taken_by: str, now: datetime) -> int:
    """The group is called something else, or meets elsewhere: nobody agreed to a text that says so."""
    members = [row.member for row in db.scalars(Enrolment.of_group(group.id)) if row.lasts(now)]
    return end(db, sorted(members, key=lambda member: member.id), GROUP_CHANGED, taken_by, now)


def end(db: Session, members: Iterable[Member], why: str, taken_by: str, now: datetime) -> int:
    """What they were shown is so no longer: discreet texts, until they choose anew. Returns how many had others."""
    return sum(take_back(db, member, Evidence(now, why, taken_by, "", member.language), now) for member in members)


def take_back(db: Session, member: Member, evidence: Evidence, now: datetime) -> bool:
    """Discreet texts again, at once; a START that is still awaited means no others. Returns whether they had others."""
    db.execute(select(Member.id).where(Member.id == member.id).with_for_update())
    was_wanted = standings(db, [member], [Purpose.DETAILED])[member.id].wants_detail(member.mobile_index)
    if was_wanted:
        withdraw(db, member, Channel.SMS, [Purpose.DETAILED], evidence, now)
    for row in db.scalars(Invitation.open_for(member.mobile_index, now)) if member.mobile_index else ():
        if row.member_id == member.id:
            row.purposes = [purpose for purpose in row.purposes if purpose != Purpose.DETAILED]
    return was_wanted


def _groups(db: Session, member: Member, now: datetime) -> list[Group]:
    """Those that the member belongs to, or will."""
    enrolments = db.scalars(select(Enrolment).where(Enrolment.member_id == member.id).order_by(Enrolment.id))
    return [row.group for row in enrolments if row.lasts(now) and row.group.closed_at is None]
