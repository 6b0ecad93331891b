"""What members wrote and what became of messages, as the pages show it."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from service.flows.alert import raise_flag
from service.models import (
    Flag,
    Reply,
)
from service.rules.consent import Channel
from service.rules.distress import Category, Finding, Level
from service.rules.lifecycle import State
from tests import builders
from tests.builders import NOW

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def a_reply(parts, distress=None, at=NOW):
    with parts.open_db() as db:
        row = Reply(
            provider_id=f"SM{at}{distress}",
            channel=Channel.SMS,
            address_index=b"x",
            address="+12125550100",
            text=f"words at {at:%H:%M}",
            received_at=at,
            meaning="words",
            distress=distress,
        )
        db.add(row)
        db.flush()
        if distress:
            raise_flag(db, row, Finding(Level.CRISIS, Category(distress), "a pattern"), at)
        return row.id


def test_a_reply_is_handled_and_kept_unread_again(parts, staff):
    key = a_reply(parts)
    staff.post(f"/replies/{key}/handled")
    handled = "words at" in staff.get("/replies").text
    staff.post(f"/replies/{key}/handled", {"keep": "1"})

    assert (handled, "words at" in staff.get("/replies").text) == (False, True)


def test_distress_stands_red_on_the_home_page_though_sixty_replies_came_since(parts, staff):
    a_reply(parts, "self_harm", NOW - timedelta(hours=9))
    for minute in range(60):
        a_reply(parts, at=NOW - timedelta(minutes=minute))

    assert "A message needs a person now" in staff.get("/").text
    assert f"words at {NOW - timedelta(hours=9):%H:%M}" in staff.get("/replies").text


def test_a_mail_from_nobody_we_know_is_not_called_a_number(parts, staff):
    key = a_reply(parts)
    with parts.open_db() as db:
        db.get_one(Reply, key).channel = Channel.EMAIL

    assert "Unknown address" in staff.get("/replies").text


def test_distress_stays_red_until_what_was_done_is_on_record(parts, staff):
    key = a_reply(parts, "self_harm")
    staff.post(f"/replies/{key}/handled", {"back": "/"})
    was_red = "needs a person now" in staff.get("/").text
    with parts.read_db() as db:
        flag = db.scalars(select(Flag.id)).one()
    staff.post(f"/flags/{flag}/close", {"outcome": "called", "record": "I called her.", "waits": "72"})

    assert (was_red, "needs a person now" in staff.get("/").text) == (True, False)


@pytest.mark.parametrize("path", ["/log", "/replies"])
@pytest.mark.parametrize("show", ["all", "waiting", "nonsense"])
def test_whatever_page_is_asked_for_is_a_page(parts, staff, path, show):
    pages = ("1", "2", "0", "-1", "nonsense", "99999999999999999999")

    assert {staff.get(f"{path}?show={show}&page={page}").status_code for page in pages} == {200}


def test_the_log_shows_each_message_on_one_page(parts, staff):
    with parts.open_db() as db:
        who = builders.member(db)
        about = builders.session(db, builders.group(db))
        for number in range(120):
            builders.delivery(db, who, about, state=State.DELIVERED, due_at=NOW - timedelta(minutes=number), attempts=1)
    shown = [staff.get(f"/log?show=delivered&page={page}").text.count('role="rowheader"') for page in (1, 2, 3, 4)]

    assert shown == [50, 50, 20, 0]


@pytest.mark.parametrize(
    ("state", "reason", "shown"),
    [
        (State.UNDELIVERED, "code 30003", "Not delivered: The phone was off or out of reach. (code 30003)"),
        (State.DEAD, "Twilio 21612", "This number cannot be reached by text. (Twilio 21612)"),
        (State.UNDELIVERED, "code 39999", "Not delivered: code 39999"),
    ],
)
def test_the_log_says_a_providers_code_in_words(parts, staff, state, reason, shown):
    with parts.open_db() as db:
        about = builders.session(db, builders.group(db))
        builders.delivery(db, builders.member(db), about, state=state, reason=reason, attempts=1)

    assert shown in staff.get("/log?show=failed").text
