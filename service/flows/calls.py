"""Pages are made, and leave: at any hour, past every cap, at least once.

Two may send at once; of a page that may or may not have gone a second copy follows, for a lost one does harm.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from logging import getLogger
from typing import Protocol
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from service import texts
from service.channels import AddressRefused, ChannelError, Message, Receipt, Refused
from service.channels.side_by_side import each
from service.flows.compose import one_click
from service.flows.links import hashed
from service.flows.post import Outcome, Post
from service.models import Contact, Flag, Page, Practice, Staff
from service.models.alerts import PageState, Why
from service.rules.consent import Channel
from service.rules.lifecycle import State

log = getLogger(__name__)

AT_ONCE = 20
BY_ANY_CLOCK = datetime(2000, 1, 1, tzinfo=UTC)
"""Due now, though accounts run by the machine's clock and pages by the practice's."""
CALLS = frozenset({Why.FLAG, Why.TEST, Why.REPLIES})
"""What somebody is to answer. The rest only tells."""
PLACES = {Why.OPENED: "/"}
LEASE = 30.0
"""Seconds after which a page is tried again whose sender was lost."""
TRY_AGAIN = 15.0
MOST_TRIES = 8
TAKEN_UP = "taken up meanwhile"


@dataclass(frozen=True)
class Cause:
    """Why people are called: a flag and its round, a test, or replies that wait."""

    why: Why
    flag_id: UUID | None = None
    round: int = 0


class Word(Protocol):
    """What a provider reports, as far as a page needs it."""

    @property
    def state(self) -> State: ...
    @property
    def provider_id(self) -> str: ...
    @property
    def code(self) -> str | None: ...


@dataclass(frozen=True)
class _Call:
    page_id: UUID
    channel: Channel
    message: Message


def add_pages(db: Session, cause: Cause, people: Iterable[Staff], now: datetime) -> int:
    """A page for each of these, by every way there is to reach them. Returns how many pages."""
    contacts = {row.staff_id: row for row in db.scalars(select(Contact))}
    made = 0
    for staff in people:
        contact = contacts.get(staff.id)
        ways = {Channel.SMS: contact.mobile if contact else "", Channel.EMAIL: staff.email}
        for channel, address in ways.items():
            if address:
                db.add(_page(cause, staff, channel, address, now))
                made += 1
    db.flush()
    return made


def add_mail(db: Session, staff: Staff, why: Why, now: datetime) -> None:
    """A mail to one of the staff of what concerns them alone. It leaves like a page, and calls nobody."""
    page = _page(Cause(why), staff, Channel.EMAIL, staff.email, now)
    page.try_at = BY_ANY_CLOCK
    db.add(page)


def send_pages(post: Post) -> int:
    """Send what is due, side by side, no transaction open. Returns how many were tried."""
    with post.open_db() as db:
        calls = _taken(db, post)
    outcomes = each(lambda call: _called(post, call), calls)
    for call, outcome in zip(calls, outcomes, strict=True):
        with post.open_db() as db:
            _record(db, call, outcome, post)
    return len(calls)


def hear(db: Session, page_id: UUID, word: Word, now: datetime) -> bool:
    """A provider's word on a page. Returns whether there is such a page."""
    page = db.scalars(select(Page).where(Page.id == page_id).with_for_update()).first()
    if page is None:
        return False
    page.provider_id = page.provider_id or word.provider_id or None
    if word.state is State.DELIVERED:
        page.state = PageState.DELIVERED
    elif word.state is State.UNDELIVERED and page.state is not PageState.DELIVERED:
        _fail(db, page, f"code {word.code}" if word.code else "not delivered", now)
    return True


def _page(cause: Cause, staff: Staff, channel: Channel, address: str, now: datetime) -> Page:
    token = secrets.token_urlsafe(16)
    page = Page(
        why=cause.why,
        flag_id=cause.flag_id,
        staff_id=staff.id,
        round=cause.round,
        channel=channel,
        token_hash=hashed(token),
        made_at=now,
        state=PageState.WAITING,
        try_at=now,
        tries=0,
    )
    page.address, page.token = address, token
    return page


def _taken(db: Session, post: Post) -> list[_Call]:
    now = post.clock()
    practice = db.scalars(select(Practice)).one()
    pages = db.scalars(Page.due(now).limit(AT_ONCE).with_for_update(skip_locked=True)).all()
    calls = []
    for page in pages:
        if page.flag_id is not None and _is_taken_up(db.get_one(Flag, page.flag_id), page):
            page.state, page.reason = PageState.FAILED, TAKEN_UP
            continue
        page.state, page.tries = PageState.SENDING, page.tries + 1
        page.try_at = now + post.clock.lasting(LEASE)
        link = f"{post.public_url}{_place(page)}"
        subject, words = texts.staff(page.why.value, practice, {"link": link})
        is_mail = page.channel is Channel.EMAIL
        message = Message(
            to=page.address,
            text=words,
            reference=str(page.id),
            subject=subject if is_mail else "",
            # to stop a mail about a call is to say: not me, call the next one; one that only tells has no next one
            headers=one_click(f"{post.public_url}/p/{page.token}/cannot") if is_mail else {},
        )
        calls.append(_Call(page.id, page.channel, message))
    return calls


def _place(page: Page) -> str:
    """What is about an account leads to a page behind the sign-in: a mail that asks for a password is a trap."""
    return f"/p/{page.token}" if page.why in CALLS else PLACES.get(page.why, "/account")


def _is_taken_up(flag: Flag, page: Page) -> bool:
    """Whether somebody has it since the page was made."""
    return flag.closed_at is not None or (flag.acknowledged_at is not None and flag.acknowledged_at >= page.made_at)


def _called(post: Post, call: _Call) -> Outcome:
    try:
        return post.channels[call.channel].send(call.message)
    except ChannelError as failure:
        return failure
    except Exception as error:
        log.exception("page %s: the channel broke", call.page_id)
        return ChannelError(f"broken: {type(error).__name__}")


def _record(db: Session, call: _Call, outcome: Outcome, post: Post) -> None:
    page = db.scalars(select(Page).where(Page.id == call.page_id).with_for_update()).one()
    now = post.clock()
    if isinstance(outcome, Receipt):
        page.provider_id = outcome.provider_id or None
        page.state = PageState.SENT if page.state is PageState.SENDING else page.state
        return
    log.error("page %s did not leave: %s", page.id, outcome)
    if isinstance(outcome, Refused | AddressRefused) or page.tries >= MOST_TRIES:
        _fail(db, page, str(outcome), now)
    elif page.state is PageState.SENDING:
        page.state, page.reason = PageState.WAITING, str(outcome)[:80]
        page.try_at = now + post.clock.lasting(TRY_AGAIN)


def _fail(db: Session, page: Page, reason: str, now: datetime) -> None:
    """Where no page of the round got through, the next ones are called at once."""
    page.state, page.reason = PageState.FAILED, reason[:80]
    db.flush()
    flag = db.get(Flag, page.flag_id, with_for_update=True) if page.flag_id else None
    if flag is None or flag.acknowledged_at or flag.closed_at or flag.rounds != page.round + 1 or page.round > 2:
        return
    same = select(Page.id).where(Page.flag_id == flag.id, Page.round == page.round, Page.state != PageState.FAILED)
    if db.scalars(same).first() is None:
        flag.call_at = now
