"""What a text asks for is done, and the key of the one text that answers it is found."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from service.flows import attend
from service.flows.opting import accept_invitation, opt_in, opt_out
from service.flows.suppress import suppress
from service.models import Delivery, Member, Reply
from service.models.groups import Answer
from service.rules.consent import Channel
from service.rules.understanding import Meaning, Understanding

ANSWERS = {Meaning.COMING: Answer.COMING, Meaning.CANNOT: Answer.CANNOT}


@dataclass(frozen=True)
class Inbound:
    """One text as the provider gave it to us."""

    provider_id: str
    address: str
    text: str
    provider_answered: bool = False
    """The provider has sent its own answer to STOP, START or HELP: we stay silent."""
    is_only_media: bool = False


@dataclass(frozen=True)
class Heard:
    """One text, whose it may be, what it means, and what was asked last."""

    reply: Reply
    members: list[Member]
    meant: Understanding
    inbound: Inbound
    asked: Delivery | None


def act(db: Session, heard: Heard, now: datetime) -> str:
    """Do what the text asks for. Returns the key of the answer, or "": none is due."""
    meaning = heard.meant.meaning
    if meaning in FOR_ANYBODY:
        return FOR_ANYBODY[meaning](db, heard, now)
    if not heard.members:
        return "unknown_sender"
    if meaning in FOR_MEMBERS:
        return FOR_MEMBERS[meaning](db, heard, now)
    return "unknown_reply" if heard.asked is None else "unmonitored_notice"


def _stop(db: Session, heard: Heard, now: datetime) -> str:
    index, all_channels = heard.reply.address_index, heard.meant.all_channels
    opt_out(db, heard.members, index, heard.inbound.text, now, all_channels=all_channels)
    return "" if heard.inbound.provider_answered else "stop_confirmation"


def _wrong_number(db: Session, heard: Heard, now: datetime) -> str:
    suppress(db, Channel.SMS, heard.reply.address_index, "wrong number", now)
    return "wrong_number_ack"


def _help(db: Session, heard: Heard, now: datetime) -> str:
    return "" if heard.inbound.provider_answered else "help_reply"


def _start(db: Session, heard: Heard, now: datetime) -> str:
    index, words = heard.reply.address_index, heard.inbound.text
    if accept_invitation(db, heard.members, index, words, now):
        return "opt_in_confirmation"
    again = opt_in(db, heard.members, index, words, now)
    if heard.inbound.provider_answered:
        return ""
    return "start_reply" if again else "unknown_reply"


def _attendance(db: Session, heard: Heard, now: datetime) -> str:
    group_session = heard.asked.group_session if heard.asked else None
    if heard.asked is None or group_session is None or group_session.starts_at <= now:
        heard.reply.meaning = Meaning.WORDS
        return "unknown_reply"
    heard.reply.group_session_id, heard.reply.member_id = group_session.id, heard.asked.member_id
    attend.answer(db, group_session, heard.asked.member, ANSWERS[heard.meant.meaning], now)
    return "confirm_ack" if heard.meant.meaning is Meaning.COMING else "decline_ack"


def _silence(db: Session, heard: Heard, now: datetime) -> str:
    return ""


Doing = Callable[[Session, Heard, datetime], str]

FOR_ANYBODY: Mapping[Meaning, Doing] = {
    Meaning.OPT_OUT: _stop,
    Meaning.WRONG_NUMBER: _wrong_number,
    Meaning.HELP: _help,
    Meaning.EMPTY: _silence,
    Meaning.AUTOMATIC: _silence,
}
"""Whoever wrote it: an opt-out always counts, and help is for everybody."""

FOR_MEMBERS: Mapping[Meaning, Doing] = {
    Meaning.OPT_IN: _start,
    Meaning.COMING: _attendance,
    Meaning.CANNOT: _attendance,
    Meaning.SCORE: _silence,
    Meaning.GOAL: _silence,
    Meaning.LATE: _silence,
}
