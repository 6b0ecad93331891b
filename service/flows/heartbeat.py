"""Each process shows that it is alive; one that is silent for a while is shown to staff."""

from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from service.models import Heartbeat

SILENT_AFTER = timedelta(minutes=1)
SHOWN_FOR = timedelta(hours=1)


def beat(db: Session, name: str, machine_now: datetime) -> None:
    """Note that this process is alive."""
    insert = postgresql.insert if db.get_bind().dialect.name == "postgresql" else sqlite.insert
    values = insert(Heartbeat).values(name=name, machine_at=machine_now, restarts=0)
    db.execute(values.on_conflict_do_update(index_elements=["name"], set_={"machine_at": machine_now}))


def start_anew(db: Session) -> None:
    """The service was started: what was alive before says nothing now."""
    db.execute(delete(Heartbeat))


def note_restart(db: Session, name: str, machine_now: datetime) -> None:
    """The process died and was started again."""
    beat(db, name, machine_now)
    row = db.get_one(Heartbeat, name, with_for_update=True)
    row.restarts, row.restarted_at = row.restarts + 1, machine_now


def restarted(db: Session, machine_now: datetime) -> list[Heartbeat]:
    """The processes that were started again of late."""
    query = select(Heartbeat).where(Heartbeat.restarted_at > machine_now - SHOWN_FOR).order_by(Heartbeat.name)
    return list(db.scalars(query))


def is_heard(db: Session, name: str, machine_now: datetime) -> bool:
    """Whether any process of this name, `worker` or `worker.2`, was alive within the last minute."""
    query = select(Heartbeat.name).where(Heartbeat.machine_at > machine_now - SILENT_AFTER)
    return any(one.partition(".")[0] == name for one in db.scalars(query))


def silent(db: Session, machine_now: datetime) -> list[str]:
    """The processes that were alive and are not any more."""
    rows = db.scalars(select(Heartbeat).order_by(Heartbeat.name))
    return [row.name for row in rows if machine_now - row.machine_at > SILENT_AFTER]
