"""Texts that the provider has and that no webhook brought us: found in its list, and treated like every other."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from logging import getLogger

from sqlalchemy import select

from service.channels import ChannelError, Message, Received
from service.flows.answer import Inbound
from service.flows.blank import note_answer
from service.flows.post import Post
from service.flows.receive import receive
from service.models import ProviderCopy, Reply
from service.rules.consent import Channel

log = getLogger(__name__)

LOOKS_BACK = timedelta(hours=24)
GRACE = 60.0
"""Seconds that a webhook has before its text is taken for lost."""
ANSWERED_WITHIN = timedelta(minutes=5)
"""A later answer, to STOP above all, would come out of nowhere. Only where help is, is said at any time."""
REFERENCE = "answer"


def catch_up(post: Post) -> int:
    """Ask for the list, and take what is new. Returns how many texts were found."""
    try:
        listed = post.channels[Channel.SMS].received(post.clock() - LOOKS_BACK)
    except ChannelError as error:
        log.warning("the list of texts could not be read: %s", error)
        return 0
    found = _unknown(post, listed)
    for text in found:
        _take(post, text)
    if found:
        log.warning("%d texts came without their webhook. Is its address right at the provider?", len(found))
    return len(found)


def _unknown(post: Post, listed: Sequence[Received]) -> list[Received]:
    """The oldest first."""
    with post.open_db() as db:
        ids = [text.provider_id for text in listed]
        known = {
            name
            for column in (Reply.provider_id, ProviderCopy.provider_id)  # there, or gone since
            for name in (db.scalars(select(column).where(column.in_(ids))) if ids else ())
        }
    latest = post.clock() - post.clock.lasting(GRACE)
    return [
        text for text in reversed(listed) if text.provider_id not in known and (text.at is None or text.at <= latest)
    ]


def _take(post: Post, text: Received) -> None:
    inbound = Inbound(text.provider_id, text.sender, text.text, has_picture=text.has_picture)
    with post.open_db() as db:
        now = post.clock()
        answer = receive(db, inbound, now)
        key = db.scalars(select(Reply.answered_with).where(Reply.provider_id == text.provider_id)).one() or ""
    if answer and (key.startswith("crisis") or _is_fresh(text, now)):
        _say(post, text, answer)


def _is_fresh(text: Received, now: datetime) -> bool:
    return text.at is not None and now - text.at <= ANSWERED_WITHIN


def _say(post: Post, text: Received, answer: str) -> None:
    """Once. There is no webhook to answer, so that it goes as a text of its own."""
    try:
        sent = post.channels[Channel.SMS].send(Message(to=text.sender, text=answer, reference=REFERENCE))
    except ChannelError as error:
        log.warning("an answer could not be sent: %s", error)
        return
    with post.open_db() as db:
        note_answer(db, text.provider_id, sent.provider_id, post.clock())
