"""A sending number's speed, and its rests: shared by all workers through one row."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from logging import getLogger

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from service.channels import ChannelDown, NotAccepted
from service.flows.post import Outcome, Post, is_failure, is_taken
from service.models import Sender
from service.rules.consent import Channel

log = getLogger(__name__)

BURST = timedelta(seconds=1)
"""A number runs ahead of its pace by no more than this: the provider's own queue holds it."""
BREAKS_AFTER = 5
"""Failures in a row of a provider that answers with trouble or not at all: then it rests, and is tried with one."""
SENDERS = select(Sender)
NO_LIMIT = 1_000_000
DOES_NOT_ANSWER = "the provider does not take messages over"
ASKS_TO_WAIT = "the provider asks us to wait"


class Lane:
    """One sending number within one transaction. Its row is locked only where it has a pace to keep or is on trial."""

    def __init__(self, db: Session, channel: Channel, post: Post, now: datetime) -> None:
        name, self._rate, self._now = post.channels[channel].sender, _rate(channel, post), now
        self._probes_every = post.clock.lasting(post.patience.probes_every)
        row = db.get(Sender, name)
        self._row = lock_sender(db, name, now) if self._rate or (row and _is_on_trial(row)) else row

    def take(self, segments: int) -> bool:
        """Whether a message of so many segments may leave now. It then has its time, or is the one that tries out a
        provider that failed."""
        row = self._row
        if row is None:
            return True
        if _room(row, self._rate, self._now) == 0:
            return False
        if self._rate:
            row.free_at = max(row.free_at, self._now) + timedelta(seconds=segments / self._rate)
        if _is_on_trial(row):
            row.paused_until = self._now + self._probes_every
        return True


def rooms(db: Session, post: Post) -> Mapping[Channel, int]:
    """How many messages of each channel may leave now, as far as can be told without waiting for other workers."""
    now = post.clock()
    rows = {row.name: row for row in db.scalars(SENDERS)}
    lanes = {name: rows.get(channel.sender) for name, channel in post.channels.items()}
    return {name: _room(row, _rate(name, post), now) for name, row in lanes.items()}


def opens_at(db: Session, post: Post) -> datetime | None:
    """When the next number is free again that only keeps its pace. None: no number does."""
    now = post.clock()
    query = select(Sender.free_at).where(Sender.paused_until.is_(None) | (Sender.paused_until <= now))
    return min((at for at in db.scalars(query) if at > now), default=None)


def heard_from(db: Session, channel: Channel, said: Sequence[Outcome], post: Post, now: datetime) -> None:
    """What the answers of a group tell about the provider: it refuses our account, asks us to wait, fails, or works."""
    name = post.channels[channel].sender
    rests, failures, works = _rest(said, post, now), sum(map(is_failure, said)), any(map(is_taken, said))
    row = db.get(Sender, name)
    is_well = row is None or not (row.failures or row.paused_until)
    if not failures and rests is None and (is_well or not works):
        return
    row = lock_sender(db, name, now)
    row.failures = failures + (0 if works else row.failures)
    if failures and _is_on_trial(row) and rests is None:
        rests = (now + post.clock.lasting(post.patience.probes_every), DOES_NOT_ANSWER)
    if works and (row.pause_reason == DOES_NOT_ANSWER or (row.paused_until is not None and row.paused_until <= now)):
        row.paused_until = row.pause_reason = None
    if rests is not None:
        pause(db, name, *rests, now)


def pause(db: Session, name: str, until: datetime, reason: str, now: datetime) -> None:
    """Stop a sending number until then. Staff see the reason."""
    row = lock_sender(db, name, now)
    if row.paused_until is None or row.paused_until < until:
        if row.pause_reason != reason:
            log.error("a sender rests: %s", reason)
        row.paused_until, row.pause_reason = until, reason


def lock_sender(db: Session, name: str, now: datetime) -> Sender:
    """The number's row, made where there is none. Nobody else changes it until this transaction ends."""
    insert = postgresql.insert if db.get_bind().dialect.name == "postgresql" else sqlite.insert
    db.execute(insert(Sender).values(name=name, free_at=now, failures=0).on_conflict_do_nothing())
    query = select(Sender).where(Sender.name == name).with_for_update()
    return db.scalars(query.execution_options(populate_existing=True)).one()


def _rest(said: Sequence[Outcome], post: Post, now: datetime) -> tuple[datetime, str] | None:
    """Until when the number rests, and why, where the provider itself said so."""
    down = next((one for one in said if isinstance(one, ChannelDown)), None)
    if down is not None:
        return now + post.clock.lasting(post.patience.down_for), str(down)
    waits = [one.retry_after for one in said if isinstance(one, NotAccepted) and one.retry_after]
    return (now + post.clock.lasting(max(waits).total_seconds()), ASKS_TO_WAIT) if waits else None


def _room(row: Sender | None, rate: float, now: datetime) -> int:
    """How many segments may leave now: at least one where any may."""
    if row is None:
        return max(1, int(rate * BURST.total_seconds())) if rate else NO_LIMIT
    if row.paused_until is not None and row.paused_until > now:
        return 0
    if _is_on_trial(row):
        return 1
    if not rate:
        return NO_LIMIT
    if row.free_at <= now:
        return max(1, int(rate * BURST.total_seconds()))
    return max(0, int((now + BURST - row.free_at).total_seconds() * rate))


def _is_on_trial(row: Sender) -> bool:
    return row.failures >= BREAKS_AFTER


def _rate(channel: Channel, post: Post) -> float:
    """Of mails there is no pace to keep."""
    return post.sender_rate if channel is Channel.SMS else 0
