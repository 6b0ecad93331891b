"""The table that all peers send from, and the two that speak against sending. The driver writes, the peers read."""

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from sqlalchemy import Engine, create_engine, event, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

POLL = 0.2


class Base(DeclarativeBase):
    pass


class Message(Base):
    """One text. Times are seconds since 1970."""

    __tablename__ = "messages"

    id: Mapped[str] = mapped_column(primary_key=True)
    to: Mapped[str]
    body: Mapped[str]
    session: Mapped[str]
    due_at: Mapped[float] = mapped_column(index=True)
    expires_at: Mapped[float]
    queued_at: Mapped[float | None]
    sent_at: Mapped[float | None] = mapped_column(index=True)
    sid: Mapped[str | None]


class OptOut(Base):
    __tablename__ = "opt_outs"

    number: Mapped[str] = mapped_column(primary_key=True)


class Cancellation(Base):
    __tablename__ = "cancellations"

    session: Mapped[str] = mapped_column(primary_key=True)


def connect(path: Path | None = None) -> Engine:
    """The file that PEERS_DB names, or `path`; WAL and a patient lock, as kind to the peers as it gets."""
    engine = create_engine(f"sqlite:///{path or os.environ['PEERS_DB']}", connect_args={"timeout": 30})

    @event.listens_for(engine, "connect")
    def prepare(connection: object, record: object) -> None:
        connection.execute("PRAGMA journal_mode=WAL")  # type: ignore[attr-defined]
        connection.execute("PRAGMA synchronous=FULL")  # type: ignore[attr-defined]

    return engine


def create(engine: Engine) -> None:
    Base.metadata.create_all(engine)


def fill(engine: Engine, messages: Iterable[Message]) -> None:
    with Session(engine) as db, db.begin():
        db.add_all(messages)


def may_go(db: Session, message: Message) -> bool:
    """Whether nothing speaks against sending, as far as the tables tell at this moment."""
    if message.sent_at is not None or message.expires_at <= time.time():
        return False
    return db.get(OptOut, message.to) is None and db.get(Cancellation, message.session) is None


def feed(enqueue: Callable[[Message], None], *, when_due: bool, follow: bool) -> None:
    """Hand every message to the queue, once: at once with its time, or when it is due."""
    engine = connect()
    while True:
        with Session(engine, expire_on_commit=False) as db, db.begin():
            query = select(Message).where(Message.queued_at.is_(None)).order_by(Message.due_at, Message.id)
            if when_due:
                query = query.where(Message.due_at <= time.time())
            fresh = db.scalars(query).all()
            for message in fresh:
                enqueue(message)
                message.queued_at = time.time()
        if not follow and (not when_due or not _waiting(engine)):
            return
        time.sleep(POLL)


def _waiting(engine: Engine) -> bool:
    with Session(engine) as db:
        return db.scalars(select(Message.id).where(Message.queued_at.is_(None)).limit(1)).first() is not None
