"""What a text asks for is done, and the key of the one text that answers it is found."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from service import texts
from service.flows import attend, notice
from service.flows.ask_anew import QUESTION, asked_by_start, is_being_asked
from service.flows.check_in import is_low, keep_answer
from service.flows.converse import WHICH, Asked
from service.flows.opting import From, accept_invitation, not_theirs, opt_in, opt_out, reminders_only, take_break
from service.models import Delivery, Member, Practice, Reply
from service.models.groups import Answer
from service.rules.consent import Channel
from service.rules.pausing import pause_until
from service.rules.saying_yes import says_yes
from service.rules.understanding import Meaning, Prompt, Understanding

ANSWERS = {Meaning.COMING: Answer.COMING, Meaning.CANNOT: Answer.CANNOT}


@dataclass(frozen=True)
class Inbound:
    """One text as the provider gave it to us."""

    provider_id: str
    address: str
    text: str
    provider_says: str | None = None
    """STOP, START or HELP, where the provider took it for one: it has sent its own answer, and we stay silent."""
    has_picture: bool = False
    """It is never fetched. A person is told of it."""

    @property
    def provider_answered(self) -> bool:
        return self.provider_says is not None


@dataclass(frozen=True)
class Heard:
    """One text, whose it may be, what it means, and what was asked last."""

    reply: Reply
    members: list[Member]
    meant: Understanding
    inbound: Inbound
    asked: Asked
    values: dict[str, str] = field(default_factory=dict)
    """What the answer's text has to say beside what every text says."""


def act(db: Session, heard: Heard, now: datetime) -> str:
    """Do what the text asks for. Returns the key of the answer, or "": none is due."""
    meaning = heard.meant.meaning
    if meaning in (Meaning.WORDS, Meaning.EMPTY) and _is_half_a_yes(db, heard, now):
        return QUESTION
    if meaning in FOR_ANYBODY:
        return FOR_ANYBODY[meaning](db, heard, now)
    if not heard.members:
        return "unknown_sender"
    if meaning in FOR_MEMBERS:
        return FOR_MEMBERS[meaning](db, heard, now)
    return _words(db, heard, now)


def _stop(db: Session, heard: Heard, now: datetime) -> str:
    whence = From(Channel.SMS, heard.reply.address_index)
    opt_out(db, heard.members, whence, heard.inbound.text, now, all_channels=heard.meant.all_channels)
    return "" if heard.inbound.provider_answered else "stop_confirmation"


def _wrong_number(db: Session, heard: Heard, now: datetime) -> str:
    not_theirs(db, heard.members, heard.reply.address_index, heard.inbound.text, now)
    return "wrong_number_ack"


def _help(db: Session, heard: Heard, now: datetime) -> str:
    return "" if heard.inbound.provider_answered else "help_reply"


def _start(db: Session, heard: Heard, now: datetime) -> str:
    index, words = heard.reply.address_index, heard.inbound.text
    if accept_invitation(db, heard.members, index, words, now):
        return "opt_in_confirmation"
    again, has_answer = opt_in(db, heard.members, index, words, now), heard.inbound.provider_answered
    if again:
        return "" if has_answer else "start_reply"
    if not has_answer and asked_by_start(db, heard.members, index, now):
        return QUESTION
    heard.reply.meaning = Meaning.WORDS  # nothing comes of it by itself: a person sees it
    return "" if has_answer else notice.unasked(db, heard.reply, _practice(db), now)


def _is_half_a_yes(db: Session, heard: Heard, now: datetime) -> bool:
    """They say yes to the question for consent in their own words, and only START counts: they are told so again."""
    if heard.inbound.provider_answered or not says_yes(heard.inbound.text):
        return False
    return is_being_asked(db, heard.members, heard.reply.address_index, now)


def _less(db: Session, heard: Heard, now: datetime) -> str:
    goes_on = reminders_only(db, heard.members, heard.reply.address_index, heard.inbound.text, now)
    return "less_reply" if goes_on else notice.unasked(db, heard.reply, _practice(db), now)


def _pause(db: Session, heard: Heard, now: datetime) -> str:
    practice, member = _practice(db), heard.members[0]
    until = pause_until(heard.inbound.text, now.astimezone(member.zone or practice.zone).date())
    take_break(heard.members, until, practice.zone)
    heard.values["day"] = texts.day(until, practice, member.language)
    return "pause_reply"


def _attendance(db: Session, heard: Heard, now: datetime) -> str:
    if heard.asked.either:
        return _ask_which(db, heard)
    return _coming(db, heard, heard.asked.last[Prompt.REMINDER], heard.meant.meaning, now)


def _ask_which(db: Session, heard: Heard) -> str:
    """By day and hour: no name, and nothing else of either visit."""
    practice = _practice(db)
    for names, asked in zip((("day", "time"), ("next_day", "next_time")), heard.asked.either, strict=True):
        assert asked.group_session is not None, "a reminder is about a session"
        said = texts.fields_of(asked.group_session, asked.member, practice)
        heard.values.update(zip(names, (said["day"], said["time"]), strict=True))
    return "" if heard.inbound.provider_answered else WHICH


def _which(db: Session, heard: Heard, now: datetime) -> str:
    """A or B: what they said before belongs to this visit."""
    pick = heard.asked.pick
    assert pick is not None, "only then is A an answer"
    asked = heard.asked.either[0 if heard.meant.is_first else 1]
    pick.handled_at = pick.handled_at or now
    return _coming(db, heard, asked, Meaning(pick.meaning), now)


def _coming(db: Session, heard: Heard, asked: Delivery, meaning: Meaning, now: datetime) -> str:
    group_session = asked.group_session
    assert group_session is not None, "a reminder is about a session"
    heard.reply.group_session_id, heard.reply.member_id = group_session.id, asked.member_id
    if heard.meant.is_nod and attend.said(db, group_session, asked.member) is Answer.CANNOT:
        return _nod_after_a_no(db, heard, asked, now)
    attend.answer(db, group_session, asked.member, ANSWERS[meaning], now)
    if heard.inbound.provider_answered:
        return ""
    return "confirm_ack" if meaning is Meaning.COMING else "decline_ack"


def _nod_after_a_no(db: Session, heard: Heard, asked: Delivery, now: datetime) -> str:
    """They read our thanks for the word that they can't come; or answer what staff wrote to them since, who wait."""
    if attend.was_written_to_since(db, asked):
        heard.reply.meaning = Meaning.WORDS
        return _words(db, heard, now)
    heard.reply.meaning = Meaning.EMPTY
    return ""


def _score(db: Session, heard: Heard, now: datetime) -> str:
    asked, score = heard.asked.last[Prompt.CHECKIN], heard.meant.score
    assert score is not None, "that is what makes it one"
    help_is_due = is_low(db, asked, score)
    keep_answer(db, asked, heard.reply, str(score), now)
    return notice.UNMONITORED if help_is_due else _words_beside(db, heard, now)


def _goal(db: Session, heard: Heard, now: datetime) -> str:
    assert heard.meant.goal is not None, "that is what makes it one"
    keep_answer(db, heard.asked.last[Prompt.GOAL], heard.reply, heard.meant.goal, now)
    return _words_beside(db, heard, now)


def _words_beside(db: Session, heard: Heard, now: datetime) -> str:
    return notice.asked_for(db, heard.reply, _practice(db), now) if heard.meant.words else ""


def _words(db: Session, heard: Heard, now: datetime) -> str:
    if heard.meant.answers is Prompt.REFLECTION:
        return notice.asked_for(db, heard.reply, _practice(db), now)
    return notice.unasked(db, heard.reply, _practice(db), now)


def _late(db: Session, heard: Heard, now: datetime) -> str:
    """Whoever runs late in the evening is told that nobody sees it, and the office's number."""
    are_reading = notice.readers(db, heard.reply, _practice(db)).are_reading(now)
    return "" if are_reading else notice.UNMONITORED


def _practice(db: Session) -> Practice:
    return db.scalars(select(Practice)).one()


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
    Meaning.LESS: _less,
    Meaning.PAUSE: _pause,
    Meaning.COMING: _attendance,
    Meaning.CANNOT: _attendance,
    Meaning.WHICH: _which,
    Meaning.SCORE: _score,
    Meaning.GOAL: _goal,
    Meaning.LATE: _late,
}
