"""A member's own yes and no by text: in force at once, and kept word for word in the ledger."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from service import texts
from service.flows.ledger import Evidence, agree, withdraw
from service.flows.plan import plan_member
from service.flows.scope import across_groups
from service.flows.standing import standing
from service.flows.suppress import is_suppressed, lift, suppress
from service.models import Consent, Delivery, Invitation, Member, Practice, Suppression
from service.rules.consent import MESSAGES, Channel, Purpose
from service.rules.kinds import Kind
from service.rules.lifecycle import State

BY_STOP = "text STOP"
BY_START = "text START"
BY_LESS = "text LESS"
WRONG_NUMBER = "wrong number"
BY_LINK = "unsubscribe link"
TOLD_STAFF = "told staff"
OPT_OUTS = frozenset({BY_STOP, BY_LINK, TOLD_STAFF})
"""Ways of saying no to everything. START takes these back, and gives nothing that was not there before."""


@dataclass(frozen=True)
class From:
    """Where a member's words came from: a number, or a mail's address."""

    channel: Channel
    address_index: bytes


def opt_out(
    db: Session, members: Collection[Member], whence: From, words: str, now: datetime, *, all_channels: bool
) -> None:
    """Nothing more goes to this number or address, whoever has it; with `all_channels` to their other one neither."""
    suppress(db, whence.channel, whence.address_index, "the member's words", now)
    for member in members:
        for channel in Channel if all_channels else (whence.channel,):
            index = member.address_index(channel)
            if index is not None:
                suppress(db, channel, index, "the member's words", now)
                evidence = Evidence(now, BY_STOP, "member", "", member.language, {"said": words})
                withdraw_all(db, member, channel, evidence, now)


def not_theirs(db: Session, members: Collection[Member], address_index: bytes, words: str, now: datetime) -> None:
    """Whoever has this number is none of our members: START from it gives nothing, and nothing back."""
    suppress(db, Channel.SMS, address_index, WRONG_NUMBER, now)
    for row in db.scalars(Suppression.in_force(), {"indexes": [address_index]}):
        row.reason = WRONG_NUMBER  # they may have said STOP before
    for refused in db.scalars(Invitation.open_for(address_index, now)):
        refused.expires_at = now
    for member in members:
        evidence = Evidence(now, WRONG_NUMBER, "who has the number", "", member.language, {"said": words})
        last = _last_of_each(db, member, Channel.SMS)
        purposes = [purpose for purpose, row in last.items() if row.method != WRONG_NUMBER]
        withdraw(db, member, Channel.SMS, purposes, evidence, now)


def reminders_only(db: Session, members: Collection[Member], address_index: bytes, words: str, now: datetime) -> bool:
    """LESS: everything but reminders is taken back. Returns whether reminders go on."""
    for member in members:
        current = standing(db, member)
        others = [one for one in current.agreed(Channel.SMS, address_index) if one is not Purpose.REMINDER]
        evidence = Evidence(now, BY_LESS, "member", "", member.language, {"said": words})
        withdraw(db, member, Channel.SMS, others, evidence, now)
        plan_member(db, member, now)
    return any(Purpose.REMINDER in standing(db, member).agreed(Channel.SMS, address_index) for member in members)


def take_break(members: Collection[Member], until: date, zone: ZoneInfo) -> None:
    """No questions before that day, on the member's own clock. Reminders and news go on."""
    for member in members:
        member.paused_until = datetime.combine(until, time(), member.zone or zone)


@across_groups
def stop_for(db: Session, member: Member, channels: Collection[Channel], evidence: Evidence, now: datetime) -> None:
    """The member told staff to stop, by whatever route. In force at once; only they can lift it."""
    for channel in channels:
        index = member.address_index(channel)
        if index is not None:
            suppress(db, channel, index, TOLD_STAFF, now)
            withdraw_all(db, member, channel, evidence, now)


@across_groups
def accept_invitation(
    db: Session, members: Collection[Member], address_index: bytes, words: str, now: datetime
) -> bool:
    """START from the number that was asked: the purposes asked for are in force. Returns whether anybody was asked."""
    open_ones = {row.member_id: row for row in db.scalars(Invitation.open_for(address_index, now))}
    asked = [member for member in members if member.id in open_ones]
    practice, came = db.scalars(select(Practice)).one(), _as_they_came(db, open_ones.values())
    for member in asked:
        invitation = open_ones[member.id]
        invitation.accepted_at = now
        proof = {**json.loads(invitation.proof or "{}"), "said": words}
        language = texts.language_of("opt_in_request", practice, came[member.id]) or member.language
        evidence = Evidence(now, BY_START, "member", came[member.id], language, proof)
        purposes = [Purpose(purpose) for purpose in invitation.purposes]
        agree(db, member, Channel.SMS, purposes, evidence, now)
    if asked:
        lift(db, Channel.SMS, address_index, now)
    return bool(asked)


def _as_they_came(db: Session, invitations: Collection[Invitation]) -> Mapping[UUID, str]:
    """By member, the words to which START is the answer. Where their own question has still to go, it is another's at
    this number; what they ticked on a page they have read there."""
    query = select(Delivery.member_id).where(Delivery.kind == Kind.INVITATION, Delivery.state == State.SCHEDULED)
    theirs = [row.member_id for row in invitations if not row.proof]
    waiting = set(db.scalars(query.where(Delivery.member_id.in_(theirs))))
    others = [row.wording for row in invitations if not row.proof and row.member_id not in waiting]
    return {
        row.member_id: (others or [row.wording])[0] if row.member_id in waiting else row.wording for row in invitations
    }


def opt_in(db: Session, members: Collection[Member], address_index: bytes, words: str, now: datetime) -> bool:
    """START after a STOP: what was agreed to before holds again, nothing new. Returns whether there is anything."""
    was_out = is_suppressed(db, Channel.SMS, address_index)
    lift(db, Channel.SMS, address_index, now)
    for member in members:
        member.paused_until = None
    for member in members if was_out else ():
        evidence = Evidence(now, BY_START, "member", "", member.language, {"said": words})
        _give_back(db, member, Channel.SMS, evidence, now)
    return any(standing(db, member).agreed(Channel.SMS, address_index) for member in members)


def no_more_mails(db: Session, member: Member, now: datetime) -> None:
    """By the link that every mail carries."""
    if member.email_index is not None:
        suppress(db, Channel.EMAIL, member.email_index, BY_LINK, now)
        withdraw_all(db, member, Channel.EMAIL, Evidence(now, BY_LINK, "member", "", member.language), now)


def mails_again(db: Session, member: Member, now: datetime) -> None:
    """By the same link: only who reads the mails has it, so that this is the member's own word."""
    if member.email_index is not None and lift(db, Channel.EMAIL, member.email_index, now):
        _give_back(db, member, Channel.EMAIL, Evidence(now, BY_LINK, "member", "", member.language), now)


def _give_back(db: Session, member: Member, channel: Channel, evidence: Evidence, now: datetime) -> None:
    """What the opt-out took is in force again: what was withdrawn on its own before that stays withdrawn. Texts are
    discreet, until they choose once more: the group may be called something else by now."""
    last = {purpose: row for purpose, row in _last_of_each(db, member, channel).items() if purpose in MESSAGES}
    stopped = [purpose for purpose, row in last.items() if not row.is_yes and row.method in OPT_OUTS]
    agree(db, member, channel, stopped, evidence, now)
    plan_member(db, member, now)


def _last_of_each(db: Session, member: Member, channel: Channel) -> Mapping[Purpose, Consent]:
    """The ledger's last word on each purpose, for the address that the member has now."""
    index = member.address_index(channel)
    rows = db.scalars(Consent.of([member.id]))
    return {row.purpose: row for row in rows if row.channel is channel and row.address_index == index}


def withdraw_all(db: Session, member: Member, channel: Channel, evidence: Evidence, now: datetime) -> None:
    """The ledger's own row for each purpose that was in force: the suppression alone would not say which."""
    index = member.address_index(channel)
    current = standing(db, member)
    purposes = [purpose for purpose in Purpose if index and current.consent(channel, purpose, index)]
    withdraw(db, member, channel, purposes, evidence, now)
