"""Each process shows that it is alive; one that is silent for a while is shown to staff."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from service.models import Heartbeat

SILENT_AFTER = timedelta(minutes=1)


def beat(db: Session, name: str, machine_now: datetime) -> None:
    """Note that this process is alive."""
    insert = postgresql.insert if db.get_bind().dialect.name == "postgresql" else sqlite.insert
    values = insert(Heartbeat).values(name=name, machine_at=machine_now, restarts=0)
    db.execute(values.on_conflict_do_update(index_elements=["name"], set_={"machine_at": machine_now}))


def silent(db: Session, machine_now: datetime) -> list[str]:
    """The processes that were alive and are not any more."""
    rows = db.scalars(select(Heartbeat).order_by(Heartbeat.name))
    return [row.name for row in rows if machine_now - row.machine_at > SILENT_AFTER]
