"""A planned reminder, and the choice to have its group named."""

import pytest
from sqlalchemy import select

from service.flows import detail, ledger
from service.flows.ledger import Evidence
from service.models import Member, Practice
from service.rules.consent import Channel, Purpose
from service.rules.kinds import Kind
from tests import builders
from tests.builders import HOURS, NOW


def choose(db, who, now=NOW):
    """As the page does it."""
    offer = detail.offer(db, who, db.scalars(select(Practice)).one(), now)
    ledger.agree(db, who, Channel.SMS, [Purpose.DETAILED], Evidence(now, "page", "member", "w", "en", offer.proof), now)
    return offer


@pytest.fixture
def planned(parts):
    """A reminder is planned for somebody; `chooses` says whether they chose to have their group named."""

    def make(kind=Kind.REMINDER, minutes=24 * HOURS, chooses=True, **of_member):
        with parts.open_db() as db:
            scene = builders.scene(db, kind, minutes, **of_member)
            if chooses:
                choose(db, db.get_one(Member, scene.member))
            return scene

    return make
