"""Words that are gone here are blanked at the text provider, too: noted as they go, and asked for until it is done."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from logging import getLogger
from uuid import UUID

from sqlalchemy import ColumnElement, func, literal, select
from sqlalchemy.orm import Session

from service.channels import ChannelError, Refused, Unfinished
from service.flows.pace import rooms
from service.flows.post import Post
from service.models import Delivery, DeliveryEvent, Member, ProviderCopy, Reply
from service.models.bulk import Columns, insert_new
from service.rules.consent import Channel

log = getLogger(__name__)

AT_ONCE = 20
LEASE = 600.0
"""Seconds that a pass has for those it took: 20 calls of 20 seconds, and more."""
FIRST_PAUSE, LONGEST_PAUSE = 60.0, 21_600.0
Asked = tuple[str, ChannelError | None]
"""A text by the provider's name, and what went wrong; None: its words are gone."""


@dataclass(frozen=True)
class Waiting:
    """What is still to be blanked."""

    many: int
    since: datetime | None
    stuck: int
    """So many should have been blanked by now."""
    trouble: str
    """What the provider said of one of these."""


def note_deliveries(db: Session, which: ColumnElement[bool], now: datetime) -> None:
    """Before the words of these go here. Also of a second copy that the provider once told of."""
    theirs = which & (Delivery.channel == Channel.SMS) & Delivery.body_sealed.is_not(None)
    sent = select(Delivery.provider_id, Delivery.member_id).where(theirs, Delivery.provider_id.is_not(None))
    told = select(DeliveryEvent.reason, Delivery.member_id).join(Delivery, Delivery.id == DeliveryEvent.delivery_id)
    second = told.where(theirs, DeliveryEvent.by == "stranger")
    _note(db, db.execute(sent), now)
    _note(db, [(reason.rpartition(" ")[2], member_id) for reason, member_id in db.execute(second) if reason], now)


def note_late(db: Session, delivery: Delivery, provider_id: str, now: datetime) -> None:
    """The provider names a text only now. Where its words are gone here, they go there."""
    if delivery.channel is Channel.SMS and delivery.body_sealed is None:
        _note(db, [(provider_id, delivery.member_id)], now)


def note_answer(db: Session, to: str, provider_id: str, now: datetime) -> None:
    """What the provider calls the text that answered `to`. Where that is gone here already, the answer goes there."""
    reply = db.scalars(select(Reply).where(Reply.provider_id == to)).first()
    gone = db.get(ProviderCopy, to) if reply is None else None
    if reply is not None and provider_id:
        reply.answer_provider_id = provider_id
    elif gone is not None and provider_id:
        _note(db, [(provider_id, gone.member_id)], now)


def note_replies(db: Session, which: ColumnElement[bool], now: datetime, member: Member | None = None) -> None:
    """Before these go here, and what was answered. `member`: whose they are, also those that were nobody's we knew."""
    of = literal(member.id) if member else Reply.member_id
    texts = which & (Reply.channel == Channel.SMS)
    _note(db, db.execute(select(Reply.provider_id, of).where(texts, Reply.by_provider())), now)
    _note(db, db.execute(select(Reply.answer_provider_id, of).where(texts, Reply.answer_provider_id.is_not(None))), now)


def waiting(db: Session, now: datetime) -> Waiting:
    many, since = db.execute(select(func.count(), func.min(ProviderCopy.since)).where(ProviderCopy.is_left())).one()
    if not many:
        return Waiting(0, None, 0, "")
    worst = select(func.count(), func.max(ProviderCopy.trouble)).where(ProviderCopy.is_stuck(now))
    stuck, trouble = db.execute(worst).one()
    return Waiting(many, since, stuck, trouble or "it does not say that the text has ended")


def left_of(db: Session, member: Member) -> int:
    """How many texts to and from the member may still have words at the provider."""
    theirs = ProviderCopy.is_left() & (ProviderCopy.member_id == member.id)
    copies = select(func.count()).select_from(ProviderCopy).where(theirs)
    still_here = (Delivery.channel == Channel.SMS) & Delivery.body_sealed.is_not(None)
    on_their_way = select(func.count(Delivery.id)).where(Delivery.member_id == member.id, still_here)
    return db.scalars(copies).one() + db.scalars(on_their_way).one()


def is_anything_due(db: Session, now: datetime) -> bool:
    return db.scalars(ProviderCopy.due(now).limit(1)).first() is not None


def blank(post: Post) -> int:
    """Ask for some, one after the other, while the number may send and the provider answers. Returns how many are done.

    No transaction is open while the provider is asked. To ask twice does no harm: what dies on the way is asked again.
    """
    with post.open_db() as db:
        taken = _taken(db, post)
    asked = _ask(post, taken)
    if asked:
        with post.open_db() as db:
            for one, failure in asked:
                _record(db, one, failure, post)
    return sum(failure is None for _, failure in asked)


def _note(db: Session, copies: Iterable[tuple[str | None, UUID | None]], now: datetime) -> None:
    new = list(copies)
    columns: Columns = {"provider_id": [name for name, _ in new], "member_id": [member_id for _, member_id in new]}
    alike = {"since": now, "next_at": now, "tries": 0}
    insert_new(db.connection(), ProviderCopy.metadata.tables[ProviderCopy.__tablename__], columns, alike)


def _taken(db: Session, post: Post) -> Sequence[str]:
    now = post.clock()
    if not rooms(db, post)[Channel.SMS]:
        return ()
    rows = db.scalars(ProviderCopy.due(now).limit(AT_ONCE).with_for_update(skip_locked=True)).all()
    for row in rows:
        row.next_at = now + post.clock.lasting(LEASE)
    return [row.provider_id for row in rows]


def _ask(post: Post, names: Sequence[str]) -> Sequence[Asked]:
    """What is not about one text alone ends it: the others would fare no better."""
    asked: list[Asked] = []
    for name in names:
        failure = _asked(post, name)
        asked.append((name, failure))
        if not isinstance(failure, Unfinished | Refused | None):
            log.warning("words could not be blanked at the provider: %s", failure)
            break
    return asked


def _asked(post: Post, name: str) -> ChannelError | None:
    try:
        post.channels[Channel.SMS].blank(name)
    except ChannelError as failure:
        return failure
    except Exception as error:  # a bug of ours proves nothing: it is asked again
        log.exception("words could not be blanked at the provider")
        return ChannelError(f"broken: {type(error).__name__}")
    return None


def _record(db: Session, name: str, failure: ChannelError | None, post: Post) -> None:
    row = db.get_one(ProviderCopy, name, with_for_update=True)
    if failure is None or row.next_at is None:  # also where another clock has had it done
        row.next_at = row.failing_since = row.trouble = None
        return
    now = post.clock()
    pause = min(FIRST_PAUSE * 2 ** min(row.tries, 12), LONGEST_PAUSE)
    row.tries, row.next_at = row.tries + 1, now + post.clock.lasting(pause)
    is_on_its_way = isinstance(failure, Unfinished)
    row.failing_since = None if is_on_its_way else row.failing_since or now
    row.trouble = None if is_on_its_way else str(failure)[:80]
