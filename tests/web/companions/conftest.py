"""A member, and somebody who is reached for them."""

import pytest

from service.flows.plan import plan
from service.models import Member
from tests import builders
from tests.builders import NOW

THEIRS = "+12125550177"


@pytest.fixture
def made(parts):
    with parts.open_db() as db:
        return builders.scene(db)


@pytest.fixture
def guardian(parts, made):
    """One who agreed."""
    with parts.open_db() as db:
        row = builders.companion(db, db.get_one(Member, made.member))
        plan(db, NOW)
        return row.id
