"""When sessions start, and the news of them."""

from sqlalchemy import select

from service.models import GroupSession
from tests import builders


def starts(db):
    return list(db.scalars(select(GroupSession.starts_at).order_by(GroupSession.starts_at)))


def notices(db, kind):
    return [row for row in builders.all_deliveries(db) if row.kind is kind]
