"""One message that is due, and what the database holds of it."""

import pytest

from service.models import Delivery
from tests import builders


@pytest.fixture
def due(parts):
    """One text to one member, due now."""
    with parts.open_db() as db:
        return builders.delivery(db, builders.member(db), builders.session(db, builders.group(db))).id


def read(parts, one):
    with parts.read_db() as db:
        return db.get_one(Delivery, one)


def failing(console, error):
    def fail(message):
        raise error

    console.before_sending = fail
