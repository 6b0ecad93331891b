"""The messages of a group are switched and moved, and what that changes is counted."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from service.models import (
    Rule,
)
from service.rules.kinds import Kind
from tests.web.made_groups import has_error_at, made_group, waiting

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def reminders_of(parts):
    with parts.read_db() as db:
        return db.scalars(select(Rule).where(Rule.kind == Kind.REMINDER).order_by(Rule.position)).all()


def test_switching_every_rule_off_takes_every_message_back(parts, staff):
    group = made_group(parts, "Anna Bell")
    staff.post(f"/groups/{group}/messages")

    assert waiting(parts) == []


def test_another_lead_moves_the_messages_and_says_how_many(parts, staff):
    group = made_group(parts, "Anna Bell")
    rule = next(rule for rule in reminders_of(parts) if rule.minutes == 24 * 60)
    before = {row.id: row.due_at for row in waiting(parts, Kind.REMINDER) if row.rule_id == rule.id}
    answer = staff.post(f"/groups/{group}/rules/{rule.id}", {"hours": "48"}, follow_redirects=True)

    after = {row.id: row.due_at for row in waiting(parts, Kind.REMINDER) if row.rule_id == rule.id}
    assert {key: due - timedelta(hours=24) for key, due in before.items()} == after
    told = re.search(r"Saved\. [^<]*", answer.text)[0]
    assert told == f"Saved. {len(before)} messages moved."


@pytest.mark.parametrize("hours", ["", "0", "337", "-5", "soon", "1e3", "24.5", "²"])
def test_a_lead_of_no_hours_is_an_error_at_its_field(parts, staff, hours):
    group, rule = made_group(parts), reminders_of(parts)[0]
    page = staff.post(f"/groups/{group}/rules/{rule.id}", {"hours": hours})

    assert (page.status_code, has_error_at(page, f"hours_{rule.id}")) == (422, True)
    assert reminders_of(parts)[0].minutes == rule.minutes
