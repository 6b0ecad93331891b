"""People are called for a flag until one of them takes it up: the clock walks the chain, and the web without it."""

from datetime import datetime
from logging import getLogger

from sqlalchemy import BindParameter, bindparam, exists, or_, select
from sqlalchemy.orm import Session

from service.flows.calls import Cause, add_pages, send_pages
from service.flows.on_call import people
from service.flows.post import Post
from service.models import Flag, Page
from service.models.alerts import Why
from service.rules.escalation import TAKEN_FOR, called, pause_after

log = getLogger(__name__)

NOW: BindParameter[datetime] = bindparam("now")
# made once: asked every second, it costs more to build than to run
IS_ANYTHING_DUE = select(or_(*(exists(query.order_by(None)) for query in (Flag.due(NOW), Page.due(NOW)))))


def escalate(post: Post) -> int:
    """Call whoever is to be called by now, and send what waits. Safe to repeat, and from several processes at once.

    Returns how many pages were tried.
    """
    with post.open_db() as db:
        call_people(db, post.clock())
    return send_pages(post)


def is_anything_due(db: Session, now: datetime) -> bool:
    """Whether anybody is to be called by now. Asked often, so that nobody writes for nothing."""
    return bool(db.scalar(IS_ANYTHING_DUE, {"now": now}))


def call_people(db: Session, now: datetime) -> int:
    """The next round of every flag that nobody has taken up, or closed in time. Returns how many flags."""
    flags = db.scalars(Flag.due(now).with_for_update(skip_locked=True)).all()
    everybody = people(db, now) if flags else []
    for flag in flags:
        is_taken = flag.acknowledged_at is not None
        whom = everybody if is_taken else called(flag.rounds, everybody)
        made = add_pages(db, Cause(Why.FLAG, flag.id, flag.rounds), whom, now)
        if not made:
            log.error("flag %s: there is nobody to call", flag.id)
        flag.call_at = now + (TAKEN_FOR if is_taken else pause_after(flag.rounds))
        flag.rounds += 1
    return len(flags)
