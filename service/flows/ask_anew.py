"""The question for consent ran out unanswered: it is put once more, where somebody asks for it."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from service import texts
from service.flows import enrol
from service.flows.opting import WRONG_NUMBER
from service.flows.scope import across_groups
from service.flows.standing import standing
from service.models import Invitation, Member, Practice, Suppression
from service.rules.consent import Channel, Purpose

QUESTION = "opt_in_request"


@across_groups
def can_be_asked_anew(db: Session, member: Member, now: datetime) -> bool:
    """Whether they were asked at this number, the week for an answer is over, and nothing speaks against asking."""
    return _ran_out(db, member, now) is not None


@across_groups
def ask_anew(db: Session, member: Member, staff_id: UUID, now: datetime) -> bool:
    """By one of the staff, to whom the member said that they want it: never by itself, and once a week at most."""
    db.execute(select(Member.id).where(Member.id == member.id).with_for_update())
    last = _ran_out(db, member, now)
    return last is not None and enrol.invite_again(db, member, _purposes(last), now, staff_id)


def asked_by_start(db: Session, members: Collection[Member], address_index: bytes, now: datetime) -> bool:
    """They said START themselves, too late for the question: the answer asks again, and the next START counts. It is
    one answer, in the language of the first."""
    late = [(member, last) for member in members if (last := _ran_out(db, member, now)) is not None]
    practice = db.scalars(select(Practice)).one()
    question = texts.sms(QUESTION, practice, next((one.language for one in members), "en"), {})
    for member, last in late:
        db.add(enrol.open_invitation(member, address_index, _purposes(last), question, now))
    db.flush()
    return bool(late)


def is_being_asked(db: Session, members: Collection[Member], address_index: bytes, now: datetime) -> bool:
    """Whether START from this number would be somebody's first yes: the question went out, and stands open."""
    asked = {row.member_id for row in db.scalars(Invitation.open_for(address_index, now))}
    return any(_may_be_asked(db, member) for member in members if member.id in asked)


def _may_be_asked(db: Session, member: Member) -> bool:
    index, current = member.mobile_index, standing(db, member)
    if index is None or Channel.SMS not in member.choice.channels or member.stopped_at is not None:
        return False
    return not current.refusal(Channel.SMS, None, index) and not current.agreed(Channel.SMS, index)


def _ran_out(db: Session, member: Member, now: datetime) -> Invitation | None:
    """The last question, where it was never answered. None where the owner of the number once said that it is none of
    ours, whatever they said since."""
    if not _may_be_asked(db, member) or _is_anothers(db, member):
        return None
    theirs = Invitation.member_id == member.id, Invitation.address_index == member.mobile_index
    last = db.scalars(select(Invitation).where(*theirs).order_by(Invitation.asked_at.desc()).limit(1)).first()
    is_over = last is not None and last.accepted_at is None and last.expires_at <= now
    return last if is_over and enrol.belongs(db, member, now) else None


def _is_anothers(db: Session, member: Member) -> bool:
    said = Suppression.address_index == member.mobile_index, Suppression.reason == WRONG_NUMBER
    return db.scalars(select(Suppression.id).where(*said).limit(1)).first() is not None


def _purposes(last: Invitation) -> list[Purpose]:
    """Texts that name the group are chosen anew, beside the texts as they are by now."""
    return [Purpose(one) for one in last.purposes if one != Purpose.DETAILED]
