"""How far this machine's clock is from the database's: deadlines and quiet hours hang on it."""

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

TOLD_FROM = timedelta(seconds=5)
TOO_FAR = timedelta(seconds=60)
"""A process whose clock is further off than this sends nothing."""


def skew(db: Session, machine_now: datetime) -> timedelta:
    """Never negative. SQLite lives on this machine: there is nothing to compare."""
    if db.get_bind().dialect.name != "postgresql":
        return timedelta()
    there: datetime = db.scalars(select(func.clock_timestamp())).one()
    return abs(machine_now - there)
