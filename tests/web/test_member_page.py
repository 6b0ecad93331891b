"""One member's page: the messages that are to go, and those that went or did not."""

import re
from datetime import timedelta

import pytest

from service.rules.consent import Refusal
from service.rules.lifecycle import State
from tests import builders
from tests.builders import NOW

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def listed(page):
    """What stands below each head of the list of messages."""
    card = page.text.partition(">Messages<")[2].partition("<aside")[0]
    heads = re.split(r"(Still to go|Until now)", card)
    return dict(zip(heads[1::2], heads[2::2], strict=True))


def test_below_until_now_stands_nothing_of_a_day_to_come(parts, staff):
    with parts.open_db() as db:
        who = builders.member(db)
        for days, state, why in (
            (-1, State.DELIVERED, "gone"),
            (-2, State.SUPPRESSED, "not gone"),
            (1, State.SCHEDULED, "to go"),
            (2, State.SUPPRESSED, "not to go"),
        ):
            at = NOW + timedelta(days=days)
            marked = at if state is State.DELIVERED else None
            reason = Refusal.HALTED if state is State.SUPPRESSED else None
            builders.delivery(db, who, due_at=at, next_at=at, state=state, why=why, marked_at=marked, reason=reason)
        key = who.id
    shown = listed(staff.get(f"/members/{key}"))

    assert re.findall(r"not gone|gone|not to go|to go", shown["Still to go"]) == ["to go"]
    assert re.findall(r"not gone|gone|not to go|to go", shown["Until now"]) == ["gone", "not gone"]


def test_many_that_will_not_go_push_nothing_off_the_page(parts, staff):
    with parts.open_db() as db:
        who = builders.member(db)
        builders.delivery(db, who, state=State.DELIVERED, why="gone", marked_at=NOW)
        for days in range(1, 60):
            at = NOW + timedelta(days=days)
            builders.delivery(db, who, due_at=at, next_at=at, state=State.CANCELLED, why="not to go")
        key = who.id

    assert "gone" in staff.get(f"/members/{key}").text.partition(">Messages<")[2]
