"""A member whose texts can name their group, and what they are shown."""

import pytest
from sqlalchemy import select

from service.flows.standing import standing
from service.models import Consent, Member
from service.rules.consent import Purpose
from tests import builders

SENTENCE = "Put the name and the place in my reminders by text."
SAMPLE = (
    "Oak St Office: Thursday group meets Thu Jan 7 at 6:30 PM, Room 2. "
    "Reply C to confirm or X if you can't come. Reply STOP to end."
)


@pytest.fixture
def key(parts):
    """A member of a group that meets on Thursday, who agreed to reminders by text."""

    def make(**given):
        with parts.open_db() as db:
            scene = builders.scene(db, **{"agrees": [Purpose.REMINDER], **given})
            return scene.member

    return make


def wants(parts, key):
    with parts.read_db() as db:
        who = db.get_one(Member, key)
        return standing(db, who).wants_detail(who.mobile_index)


def rows_of(parts):
    with parts.read_db() as db:
        return db.scalars(select(Consent).order_by(Consent.seq)).all()


def plain(page):
    return page.text.replace("&#39;", "'")
