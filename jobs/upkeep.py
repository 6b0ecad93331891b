"""The chores that keep the schedule true."""

import os
from datetime import UTC, datetime
from logging import getLogger
from uuid import UUID

from sqlalchemy import select

from jobs import parts
from jobs.messages import check_clock
from jobs.post import post
from service.clock import keep_alive
from service.database import overwrite_deleted
from service.flows import blank as blanking
from service.flows import catch_up as catching_up
from service.flows import heads, heartbeat, retain
from service.flows import plan_ahead as planning
from service.flows.doubt import doubtful, hold_doubtful
from service.flows.escalate import escalate, is_anything_due
from service.flows.nudge import nudge
from service.flows.of_age import ask_who_came_of_age, has_anyone_come_of_age
from service.flows.reconcile import recall, reconcile, sweep
from service.models import Practice

log = getLogger(__name__)


def plan_ahead() -> int:
    """A few groups at a time, and each that has fallen behind in a transaction of its own: nobody waits for long."""
    with parts().open_db() as db:
        has_practice = db.scalars(select(Practice.id)).first() is not None
        groups = planning.take_turn(db, parts().clock()) if has_practice else ()
    for group_id in groups:
        try:
            _plan(group_id)
        except Exception:  # a broken group must not keep the others from being planned
            log.exception("group %s could not be planned", group_id)
    return len(groups)


def _plan(group_id: UUID) -> None:
    with parts().read_db() as db:
        if not planning.has_fallen_behind(db, group_id, parts().clock()):
            return
    with parts().open_db() as db:
        changes = planning.bring_up(db, group_id, parts().clock())
    log.info("group %s planned: %s", group_id, changes)


def tell_readers() -> None:
    """Of replies that have waited for too long."""
    with parts().open_db() as db:
        if db.scalars(select(Practice.id)).first() is not None:
            nudge(db, parts().clock())


def look_after_members() -> None:
    """Numbers that may be another's by now, and members who came of age."""
    now = parts().clock()
    with parts().read_db() as db:
        has_practice = db.scalars(select(Practice.id)).first() is not None
        if not has_practice or not (has_anyone_come_of_age(db, now) or doubtful(db, now)):
            return
    with parts().open_db() as db:
        ask_who_came_of_age(db, now)
        hold_doubtful(db, now)


def call_people() -> int:
    """Whoever is on call is called for what needs a person. Where this fails, the web does it."""
    with parts().look_db() as db:
        if not is_anything_due(db, parts().clock()):
            return 0
    return escalate(post())


def put_away() -> None:
    """What is too late or was left open is closed."""
    with parts().open_db() as db:
        sweep(db, parts().clock)
    recall(post())
    reconcile(post())


def catch_up() -> None:
    """Texts whose webhook never came."""
    catching_up.catch_up(post())


def forget() -> None:
    """What has been kept for long enough is removed, once a night."""
    now = parts().clock()
    with parts().read_db() as db:
        practice = db.scalars(select(Practice)).first()
        if practice is None or not retain.is_due(practice, now):
            return
    removed = retain.remove(parts().open_db, now, datetime.now(UTC))
    if removed:
        log.info("%s rows were kept for long enough, and are removed", removed)
        overwrite_deleted(parts().engine)


def blank() -> int:
    """Words that are gone here go at the text provider, too."""
    with parts().read_db() as db:
        if not blanking.is_anything_due(db, parts().clock()):
            return 0
    return blanking.blank(post())


def note_heads() -> None:
    """Where the ledgers end, once a day, outside the database."""
    with parts().read_db() as db:
        for head in heads.note(db, parts().settings.data_dir, datetime.now(UTC).date()):
            log.info("the ledger ends: %s", head)


def show_alive() -> None:
    """The home screen says so when a process is silent. By the machine's clock: a practice clock may race."""
    keep_alive(parts().settings.data_dir)
    check_clock()
    with parts().open_db() as db:
        heartbeat.beat(db, os.environ.get("GROUPKEEPER_PROCESS", "clock"), datetime.now(UTC))
