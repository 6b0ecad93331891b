"""A group as staff make it on the pages, and what the tests of its pages ask of them."""

import re

from sqlalchemy import func, select

from service.flows import enrol, schedule
from service.models import (
    Delivery,
    GroupSession,
)
from service.rules.lifecycle import State
from tests import builders
from tests.builders import NOW

GROUP = {
    "group": "Thursday grief group",
    "outside_name": "Thursday group",
    "starts_on": "2027-01-07",
    "time": "18:30",
    "minutes": "90",
    "repeats": "1",
    "ends": "count",
    "count": "8",
    "time_zone": "America/New_York",
    "capacity": "10",
}
SEEN = re.compile(r'name="seen"[^>]* value="([^"]*)"')
THREE = "Ana Diaz, 202-555-0143, ana@example.org\nBen Cole, 2025550144\nCleo Park, (202) 555-0145"


def count(parts, model):
    with parts.read_db() as db:
        return db.scalars(select(func.count()).select_from(model)).one()


def seen(staff, form):
    return {**form, "seen": SEEN.search(staff.post("/groups/preview", form).text)[1], "action": "create"}


def made_group(parts, *members):
    """A group with its default rules that meets on Thursdays, and these members of it, who agreed to everything."""
    with parts.open_db() as db:
        group = schedule.add_group(db, builders.about(), builders.weekly(count=4), NOW)
        for name in members:
            who = builders.member(db, name)
            enrol.join(db, group, who, builders.TODAY, NOW)
        return group.id


def first_session(parts, group_id):
    with parts.read_db() as db:
        return db.scalars(GroupSession.next_after(group_id, NOW)).first().id


def waiting(parts, kind=None):
    with parts.read_db() as db:
        query = select(Delivery).where(Delivery.state == State.SCHEDULED)
        return [row for row in db.scalars(query) if kind in (None, row.kind)]


def has_error_at(page, name):
    return f'href="#f-{name}"' in page.text and f'id="f-{name}-error"' in page.text


def add(staff, group_id, text="", **form):
    return staff.post(f"/groups/{group_id}/members", {"pasted": text, **form})
