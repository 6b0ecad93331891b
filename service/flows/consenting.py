"""A member ticks on the page what they agree to. A number still has to say START before anything goes to it."""

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from enum import StrEnum

from sqlalchemy.orm import Session

from service.flows.enrol import ask, open_invitation, was_asked
from service.flows.ledger import Evidence, agree
from service.flows.plan import plan_member
from service.flows.standing import standing
from service.flows.suppress import is_suppressed, lock_members
from service.models import Invitation, Member
from service.rules.consent import Channel, Purpose

ON_PAGE = "page"


class Next(StrEnum):
    """What has to happen before messages go."""

    NOTHING = "nothing"
    ASKED = "asked"
    """A text is on its way that START answers."""
    SAY_START = "say_start"
    """We may not write first: this number was asked before, or has opted out."""
    BLOCKED = "blocked"
    """The address has opted out by a link in our mails, and only that link lifts it."""


def agree_on_page(
    db: Session,
    member: Member,
    ticked: Mapping[Channel, Collection[Purpose]],
    evidence: Evidence,
    now: datetime,
) -> Mapping[Channel, Next]:
    """Keep what was ticked. Ticked twice it is kept once; what is not ticked takes nothing back."""
    following: dict[Channel, Next] = {}
    for channel, purposes in ticked.items():
        index = member.address_index(channel)
        if index is None or not purposes:
            continue
        lock_members(db, channel, index)
        current = standing(db, member)
        if current.is_suppressed(channel, index):
            following[channel] = Next.SAY_START if channel is Channel.SMS else Next.BLOCKED
        else:
            is_known = channel is Channel.EMAIL or bool(current.agreed(channel, index))
            following[channel] = Next.NOTHING if is_known else Next.ASKED
        new = [purpose for purpose in purposes if not current.consent(channel, purpose, index)]
        if following[channel] is Next.NOTHING:
            agree(db, member, channel, new, evidence, now)
        elif channel is Channel.SMS:
            following[channel] = _await_start(db, member, index, new or list(purposes), evidence, now)
    plan_member(db, member, now)
    return following


def _await_start(
    db: Session, member: Member, index: bytes, purposes: list[Purpose], evidence: Evidence, now: datetime
) -> Next:
    """What was ticked last is what START will mean."""
    for earlier in db.scalars(Invitation.open_for(index, now)):
        if earlier.member_id == member.id:
            earlier.expires_at = now
    may_ask = not was_asked(db, member, index) and not is_suppressed(db, Channel.SMS, index)
    row = open_invitation(member, index, purposes, evidence.wording, now)
    row.proof = json.dumps(dict(evidence.proof), ensure_ascii=False)
    db.add(row)
    db.flush()
    if may_ask:
        ask(db, member, index, now)
    return Next.ASKED if may_ask else Next.SAY_START
