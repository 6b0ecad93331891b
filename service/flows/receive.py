"""A member wrote back: kept once, scanned for distress first, then understood, acted on, and answered at most once.

The order of work is one for every inbound text: keep, scan, opt-out, HELP and START, the answer to what was asked
last, and else a person.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from logging import getLogger
from types import MappingProxyType

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from service import texts
from service.flows import alert, converse, notice
from service.flows.answer import ANSWERS, Heard, Inbound, act
from service.flows.hand_over import go_along
from service.flows.suppress import is_suppressed, lock_members
from service.models import Delivery, GroupSession, Member, Practice, Reply
from service.models.sealed import index_of
from service.rules import distress
from service.rules.consent import Channel
from service.rules.distress import Category, Finding, Level
from service.rules.understanding import Meaning, Prompt, Understanding, understand

log = getLogger(__name__)

CRISIS_AGAIN = timedelta(hours=6)
NOTICE_AGAIN = timedelta(hours=12)
LONGEST_KEPT = 20_000
"""Characters. What is longer is scanned whole, and kept as far as this."""

SAID_TO_THE_OPTED_OUT = (
    "crisis",
    "stop_confirmation_with_crisis",
    "help_reply",
    "start_reply",
    "opt_in_confirmation",
    "opt_in_request",
)
"""An opt-out was confirmed once; nothing else is said until they ask for it."""

DONE_WITH = frozenset(
    {
        *(Meaning.COMING, Meaning.CANNOT, Meaning.OPT_IN, Meaning.HELP, Meaning.LESS, Meaning.PAUSE),
        *(Meaning.AUTOMATIC, Meaning.EMPTY, Meaning.WHICH),
    }
)
"""Done with once it was acted on, where the scan found nothing; everything else waits for a person."""


PLAIN = frozenset({Meaning.COMING, Meaning.CANNOT, Meaning.WHICH, Meaning.SCORE, Meaning.GOAL})
"""Answers to what we ask."""


def receive(db: Session, inbound: Inbound, now: datetime) -> str:
    """Keep the text, act on it, and return the answer, or "". Safe to repeat: the same text again gets no answer."""
    index = index_of(Channel.SMS, inbound.address)
    members = lock_members(db, Channel.SMS, index)
    reply = Reply(
        provider_id=inbound.provider_id,
        channel=Channel.SMS,
        member_id=members[0].id if len(members) == 1 else None,
        address_index=index,
        address=inbound.address,
        text=inbound.text.replace("\x00", "")[:LONGEST_KEPT],
        received_at=now,
        meaning=Meaning.WORDS,
    )
    if not keep(db, reply):
        return ""
    go_along(db, reply)
    finding = look_for_distress(lambda: converse.recent_words(db, reply, inbound.text, now))
    reply.distress = distress_word(finding)
    is_plain = finding.level is not Level.NONE and _is_plain_answer(inbound.text)
    flag = alert.raise_flag(db, reply, finding, now, says_more=not is_plain)
    try:
        with db.begin_nested():  # what breaks from here on leaves the text, and its flag, where they are
            return _answered(db, reply, members, inbound, finding, now)
    except Exception:
        if flag is None:
            raise
        log.exception("flag %s: its text could not be acted on", flag.id)
        return _answer_to_distress_alone(db, reply, members, finding, now)


def _is_plain_answer(text: str) -> bool:
    """C, X, a number and nothing beside it: the danger is in the words before. What cannot be understood is not."""
    try:
        meant = understand(text, open_prompts=set(Prompt))
        return meant.meaning in PLAIN and not meant.words and distress.scan(text).level is Level.NONE
    except Exception:
        log.exception("what came with words of danger could not be understood")
        return False


def _answer_to_distress_alone(db: Session, reply: Reply, members: list[Member], finding: Finding, now: datetime) -> str:
    """Where acting on the text broke, where help is can still be said."""
    practice = db.scalars(select(Practice)).one()
    key = _crisis_key(finding, Understanding(Meaning.WORDS), practice)
    if not key or _said_lately(db, reply, key, now):
        return ""
    reply.answered_with = key
    reply.answer = _words(db, reply, key, [], practice, members[0].language if members else "en")
    return reply.answer


def keep_page_reply(db: Session, delivery: Delivery, words: str, now: datetime) -> str:
    """Words that a member left on a page. Scanned like every other; returns what the page says to them."""
    finding = look_for_distress(lambda: words)
    reply = Reply(
        provider_id=f"{Reply.FROM_A_PAGE}{delivery.id.hex}:{now:%Y%m%d%H%M%S%f}",
        channel=delivery.channel,
        member_id=delivery.member_id,
        address_index=delivery.address_index or b"",
        address=delivery.address or "the page",
        text=words.replace("\x00", ""),
        received_at=now,
        meaning=Meaning.WORDS,
        distress=distress_word(finding),
        group_session_id=delivery.group_session_id,
    )
    db.add(reply)
    go_along(db, reply)
    alert.raise_flag(db, reply, finding, now)
    practice, member = db.scalars(select(Practice)).one(), delivery.member
    reply.answered_with = _crisis_key(finding, Understanding(Meaning.WORDS), practice) or "unmonitored_notice"
    reply.answer = _words(db, reply, reply.answered_with, [member], practice, member.language)
    return reply.answer


def keep(db: Session, reply: Reply) -> bool:
    """Add the reply. False: it is there already, also where another request is adding it at this moment."""
    try:
        with db.begin_nested():
            db.add(reply)
    except IntegrityError:
        return False
    return True


def look_for_distress(text: Callable[[], str]) -> Finding:
    """The scan of the raw text. One that fails, or whose text cannot be had, counts as a match: a person looks."""
    try:
        return distress.scan(text())
    except Exception:
        log.exception("the scan for distress failed")
        return distress.CRASHED


def _answered(
    db: Session, reply: Reply, members: list[Member], inbound: Inbound, finding: Finding, now: datetime
) -> str:
    practice = db.scalars(select(Practice)).one()
    language = members[0].language if members else "en"
    asked = converse.open_questions(db, reply, members, now)
    was_out = is_suppressed(db, Channel.SMS, reply.address_index)
    is_silent = was_out or (bool(members) and all(member.stopped_at for member in members))
    meant = understand(
        inbound.text,
        open_prompts=asked.prompts,
        was_opted_out=was_out,
        language=language,
        provider_says=inbound.provider_says,
    )
    reply.meaning = meant.meaning
    if meant.meaning is Meaning.HELP and "ayuda" in inbound.text.lower():
        language = "es"  # asked in Spanish: whoever it is, they read it
    heard = Heard(reply, members, meant, inbound, asked)
    key = act(db, heard, now)
    crisis = _crisis_key(finding, meant, practice)
    if crisis is not None and not _is_of_before(db, reply, crisis, inbound.text, now):
        key = crisis
    if is_silent and not key.startswith(SAID_TO_THE_OPTED_OUT):
        key = ""
    is_open = bool(asked.either) and meant.meaning in ANSWERS
    is_bare = not (meant.words or inbound.has_picture or is_open)
    if reply.meaning in DONE_WITH and finding.level is Level.NONE and is_bare:
        reply.handled_at = now
    if not key or _said_lately(db, reply, key, now):
        return ""
    reply.answered_with = key
    reply.answer = _words(db, reply, key, members, practice, language, heard.values)
    return reply.answer


def _crisis_key(finding: Finding, meant: Understanding, practice: Practice) -> str | None:
    """The answer to distress goes before every other; "" where none is safe. None: there is no distress."""
    if finding.level is Level.REVIEW:
        is_said = meant.meaning is Meaning.WORDS and any(map(str.isalpha, meant.words))  # a bare number says less
        return "unmonitored_notice" if is_said else None
    if finding.level is not Level.CRISIS or finding.category is Category.UNKNOWN:
        return None
    if meant.meaning is Meaning.OPT_OUT:
        return "" if finding.is_read_by_others else "stop_confirmation_with_crisis"
    if finding.category is Category.MEDICAL and practice.country == "US":
        return "crisis_auto_reply_medical_US"
    if finding.with_abuse or finding.category is Category.ABUSE:
        return "crisis_auto_reply_neutral"
    return f"crisis_auto_reply_{practice.country}"


def _is_of_before(db: Session, reply: Reply, crisis: str, text: str, now: datetime) -> bool:
    """The danger was in earlier words, and answered: a HELP or a C that follows gets its own answer."""
    if not crisis.startswith("crisis") or not _said_lately(db, reply, crisis, now):
        return False
    return look_for_distress(lambda: text).level is not Level.CRISIS


def _said_lately(db: Session, reply: Reply, key: str, now: datetime) -> bool:
    """A crisis text at most every six hours, a notice every twelve; answers to commands always."""
    if key.startswith("crisis"):
        return converse.was_said(db, reply, "crisis", now - CRISIS_AGAIN)
    if key.startswith(("unmonitored", "unknown")):
        return converse.was_said(db, reply, "un", now - NOTICE_AGAIN)
    return False


def _words(  # noqa: PLR0913, PLR0917  what a text is filled from
    db: Session,
    reply: Reply,
    key: str,
    members: list[Member],
    practice: Practice,
    language: str,
    more: Mapping[str, str] = MappingProxyType({}),
) -> str:
    values: dict[str, str] = {}
    if key in (notice.UNMONITORED, notice.RECEIVED):
        values["hours"] = texts.hours(notice.readers(db, reply, practice).hours, language)
    group_session = db.get(GroupSession, reply.group_session_id) if reply.group_session_id else None
    if group_session is not None and members:
        values |= texts.fields_of(group_session, members[0], practice)
    values |= more
    try:
        return texts.sms(key, practice, language, values)
    except texts.MissingText:
        return texts.sms(key, practice, "en", values)


def distress_word(finding: Finding) -> str | None:
    if finding.level is Level.NONE:
        return None
    return "review" if finding.level is Level.REVIEW or finding.category is None else finding.category.value


__all__ = ["Inbound", "distress_word", "keep", "keep_page_reply", "look_for_distress", "receive"]
