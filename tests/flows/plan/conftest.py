"""One reminder that is planned."""

from datetime import timedelta

import pytest

from tests import builders
from tests.builders import THURSDAY, all_deliveries

WEDNESDAY = THURSDAY - timedelta(days=1)


@pytest.fixture
def scene(parts):
    """One reminder, planned for Wednesday at 18:30."""
    with parts.open_db() as db:
        return builders.scene(db)


def the_delivery(parts):
    with parts.read_db() as db:
        (row,) = all_deliveries(db)
        return row
