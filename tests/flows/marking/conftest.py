"""What is due on Wednesday, and what becomes of it at the mark."""

from datetime import timedelta

import pytest

from service.flows.deliver import deliver
from service.models import Delivery
from tests import builders
from tests.builders import THURSDAY

WEDNESDAY = THURSDAY - timedelta(days=1)


@pytest.fixture
def due(parts, clock):
    """A reminder, planned on Monday and now due: it is Wednesday, 18:30."""
    with parts.open_db() as db:
        made = builders.scene(db)
    clock.go_to(WEDNESDAY)
    return made


def outcome(parts, post, ids):
    """What became of the one delivery after a worker had it."""
    ids = [ids] if not isinstance(ids, list) else ids
    deliver(post, ids)
    with parts.read_db() as db:
        return db.get_one(Delivery, ids[0])
