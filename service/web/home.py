"""Today: what needs somebody, the next sessions, what goes out next, and how the last days went."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from flask import Blueprint, g, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session, joinedload

from service.flows import blank, heartbeat, inbox, show
from service.flows.reading import Read, Sight
from service.flows.scope import whole
from service.models import Attendance, Delivery, Group, GroupSession, Reply, Sender
from service.models.groups import SessionState
from service.models.practice import Role
from service.rules.consent import Channel
from service.rules.kinds import Kind
from service.rules.lifecycle import State
from service.web import parts
from service.web.break_glass import told
from service.web.narrowing import SHOWN
from service.web.on_call import ToDo, to_dos
from service.web.on_record import before_showing
from service.web.words import moment

pages = Blueprint("home", __name__)

OVERDUE = timedelta(minutes=2)
LAST_DAYS = timedelta(days=7)
TO_WRAP_UP = 5
SOONEST = 200
"""Messages that are bundled into what goes out next."""


@dataclass(frozen=True)
class GoingOut:
    """Messages of one kind about one session that leave at the same time."""

    at: datetime
    kind: Kind
    group: Group | None
    texts: int
    emails: int

    @property
    def how_many(self) -> str:
        parts_of = [(self.texts, "text"), (self.emails, "email")]
        return ", ".join(f"{number} {word}{'' if number == 1 else 's'}" for number, word in parts_of if number)


@pages.get("/")
def today() -> ResponseReturnValue:
    now = parts().clock()
    with parts().read_db() as db:
        near = GroupSession.between(now - timedelta(hours=3), now + timedelta(days=8)).limit(12)
        coming_up = db.scalars(near.options(joinedload(GroupSession.group))).all()
        replies = inbox.first_to_read(db, 5)
        may_read = g.staff.role.reads_replies
        before_showing([Sight(Read.REPLIES, reply.member or reply) for reply in replies if may_read])
        return render_template(
            "staff/home.html",
            group_sessions=coming_up,
            counts=show.answers(db, coming_up),
            going_out=going_out(db, now, 8),
            replies=replies,
            shared=inbox.from_shared_phones(db, replies),
            may_read=may_read,
            openings=told(db) if may_read else [],
            for_others=_for_others(db),
            tally=_tally(db, now),
            troubles=_troubles(db, now),
            to_dos=[*to_dos(db, now), *_to_wrap_up(db, now)],
            restarted=heartbeat.restarted(db, parts().machine_clock()),
            machine_now=parts().machine_clock(),
            has_groups=db.scalar(select(func.count(Group.id))),
            waiting=db.scalar(select(func.count(Delivery.id)).where(Delivery.state == State.SCHEDULED)),
        )


def going_out(db: Session, now: datetime, most: int) -> list[GoingOut]:
    """What leaves next, by time, kind and session."""
    columns = (Delivery.next_at, Delivery.kind, Delivery.group_session_id, Delivery.channel)
    query = select(*columns).where(Delivery.state == State.SCHEDULED).order_by(Delivery.next_at, Delivery.id)
    bundles: dict[tuple[datetime, Kind, UUID | None], Counter[Channel]] = {}
    for next_at, kind, about, channel in db.execute(query.limit(SOONEST)):
        minute = next_at.replace(second=0, microsecond=0)
        bundles.setdefault((minute, kind, about), Counter())[channel] += 1
    soonest = list(bundles.items())[:most]
    ids = {about for (_, _, about), _ in soonest if about}
    with_group = select(GroupSession).where(GroupSession.id.in_(ids)).options(joinedload(GroupSession.group))
    groups = {row.id: row.group for row in db.scalars(with_group)}
    return [
        GoingOut(at, kind, groups.get(about) if about else None, by[Channel.SMS], by[Channel.EMAIL])
        for (at, kind, about), by in soonest
    ]


def _to_wrap_up(db: Session, now: datetime) -> list[ToDo]:
    """Sessions of the last days of which nobody noted who came: what follows them goes by these ticks."""
    noted = exists().where(Attendance.group_session_id == GroupSession.id, Attendance.came.is_not(None))
    is_over = (GroupSession.ends_at <= now) & (GroupSession.ends_at > now - LAST_DAYS)
    query = select(GroupSession).where(is_over, GroupSession.state == SessionState.PLANNED, ~noted)
    query = query.options(joinedload(GroupSession.group)).order_by(GroupSession.ends_at)
    found = db.scalars(query).all()
    counts = show.answers(db, found)
    with_members = [one for one in found if any(counts[one.id].values())]
    return [
        ToDo(
            "Note who came",
            f"{one.group.name}, {moment(one.starts_at, one.group.zone)}",
            url_for("sessions.one_session", session_id=one.id),
        )
        for one in with_members[:TO_WRAP_UP]
    ]


def _for_others(db: Session) -> int:
    """Replies that wait for somebody else: whoever keeps the office together sees that they do."""
    if g.staff.role is Role.FACILITATOR:
        return 0
    count = select(func.count(Reply.id)).where(Reply.handled_at.is_(None))
    seen = db.scalars(count).one()
    with whole(db):
        return db.scalars(count).one() - seen


def _tally(db: Session, now: datetime) -> dict[str, int]:
    """What became of the messages of the last seven days."""
    query = (
        select(Delivery.state, func.count(Delivery.id))
        .where(Delivery.due_at > now - LAST_DAYS, Delivery.due_at <= now)
        .group_by(Delivery.state)
    )
    by_state = Counter(dict(db.execute(query).all()))
    return {
        "delivered": by_state[State.DELIVERED],
        **{shown: sum(by_state[state] for state in SHOWN[shown]) for shown in ("sent", "failed", "not_sent")},
    }


def _troubles(db: Session, now: datetime) -> list[tuple[str, str]]:
    """What is wrong with the service itself, each with what to do."""
    troubles = []
    silent = heartbeat.silent(db, parts().machine_clock())
    if silent:
        names = " and ".join(silent)
        what = "process is" if len(silent) == 1 else "processes are"
        troubles.append((f"The {names} {what} silent", "Messages may be late. Start Groupkeeper again."))
    for sender in db.scalars(select(Sender).where(Sender.paused_until > now)):
        troubles.append(
            (
                "A provider refuses our messages",
                f"{sender.pause_reason}. Check the account, then they go by themselves.",
            )
        )
    copies = blank.waiting(db, now)
    if copies.stuck:
        troubles.append(
            (
                "Words that are gone here are still at the text provider",
                f"{copies.stuck} for more than a day: {copies.trouble}. Check the account; then they go by themselves.",
            )
        )
    overdue = db.scalar(
        select(func.count(Delivery.id)).where(
            Delivery.state == State.SCHEDULED,
            Delivery.next_at < now - parts().clock.lasting(OVERDUE.total_seconds()),
        )
    )
    if overdue and not troubles:
        troubles.append((f"{overdue} messages are overdue", "The worker is behind, or not running."))
    return troubles
