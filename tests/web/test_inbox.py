"""The inbox: threads in the order of their need, chips, and what staff do with them."""

import re
from datetime import timedelta
from itertools import count

import pytest
from sqlalchemy import select

from service.models import AuditEntry, Reply, Staff
from service.models.practice import Role
from service.rules.consent import Channel
from tests import builders
from tests.builders import NOW
from tests.listening import heard

pytestmark = pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)

IDS = count()


def wrote(parts, who, text, minutes_ago=0, **columns):
    """A member wrote, or a number: who is an id, or digits."""
    at = NOW - timedelta(minutes=minutes_ago)
    is_number = isinstance(who, str)
    with parts.open_db() as db:
        row = Reply(
            provider_id=f"SM{next(IDS)}",
            channel=Channel.SMS,
            member_id=None if is_number else who,
            address=who if is_number else "+12125550100",
            text=text,
            received_at=at,
            **{"meaning": "words", "address_index": str(who).encode(), **columns},
        )
        db.add(row)
        db.flush()
        return row.id


def member(parts, name):
    with parts.open_db() as db:
        return builders.member(db, name).id


def waiting(parts):
    with parts.read_db() as db:
        return {row.text for row in db.scalars(Reply.unhandled())}


def in_order(page, *words):
    return sorted(words, key=page.text.index)


def as_role(parts, role):
    with parts.open_db() as db:
        db.scalars(select(Staff)).one().role = role


def test_a_member_is_one_row_however_much_they_wrote(parts, staff):
    ana = member(parts, "Ana Diaz")
    for minute in range(3):
        wrote(parts, ana, f"word {minute}", minute)
    page = staff.get("/replies")

    assert page.text.count(">Ana Diaz</a>") == 1
    assert "3 messages wait" in page.text
    assert in_order(page, "word 0", "word 1", "word 2") == ["word 2", "word 1", "word 0"]


def test_the_badge_counts_threads_as_the_page_shows_them(parts, staff):
    ana = member(parts, "Ana Diaz")
    for minute in range(3):
        wrote(parts, ana, f"word {minute}", minute)
    wrote(parts, "+12125550177", "who is this")
    wrote(parts, "+12125550177", "hello?")

    assert re.search(r'class="count"[^>]*>\s*2\b', staff.get("/").text)


def test_one_of_two_who_share_a_phone_is_not_called_unknown(parts, staff):
    with parts.open_db() as db:
        builders.group(db)
        index = builders.member(db, "Ana", mobile="+12125550100").mobile_index
        builders.member(db, "Ben", mobile="+12125550100")
    wrote(parts, "+12125550100", "C", address_index=index)

    assert "Shared phone" in staff.get("/").text


def test_what_needs_a_person_stands_first_then_whoever_has_waited_longest(parts, staff):
    for name, minutes in (("Ana", 10), ("Ben", 300), ("Cleo", 60)):
        wrote(parts, member(parts, name), "words", minutes)
    wrote(parts, member(parts, "Dov"), "words", 1, distress="self_harm")

    assert in_order(staff.get("/replies"), ">Ana</a>", ">Ben</a>", ">Cleo</a>", ">Dov</a>") == [
        ">Dov</a>",
        ">Ben</a>",
        ">Cleo</a>",
        ">Ana</a>",
    ]


def test_the_first_page_shows_five_in_the_same_order(parts, staff):
    with parts.open_db() as db:
        builders.group(db)
    for minute in range(6):
        wrote(parts, member(parts, f"Ana {minute}"), f"words {minute}", minute)
    wrote(parts, member(parts, "Dov"), "so alone", 120, distress="self_harm")
    wrote(parts, member(parts, "Eve"), "looked at", 600, handled_at=NOW)
    page = staff.get("/")

    assert re.findall(r"so alone|words \d|looked at", page.text) == [
        "so alone",
        "words 5",
        "words 4",
        "words 3",
        "words 2",
    ]


@pytest.mark.parametrize(
    ("columns", "text", "chip"),
    [
        ({"meaning": "coming"}, "C but a question", "Confirmed"),
        ({"meaning": "cannot"}, "X, sorry", "Can&#39;t come"),
        ({"meaning": "late"}, "late", "Late"),
        ({"meaning": "opt_out"}, "STOP", "Opted out"),
        ({}, "please fewer texts", "Possible opt-out"),
        ({"distress": "review"}, "words", "Needs a look"),
    ],
)
def test_a_chip_says_what_it_is_about(parts, staff, columns, text, chip):
    wrote(parts, member(parts, "Ana"), text, **columns)

    assert re.search(rf'<span class="tag[^"]*">{chip}</span>', staff.get("/replies").text)


def test_whoever_came_back_is_not_called_opted_out_any_more(parts, staff):
    ana = member(parts, "Ana")
    wrote(parts, ana, "STOP", 10, meaning="opt_out")
    before = staff.get("/replies").text
    wrote(parts, ana, "START", 5, meaning="opt_in", handled_at=NOW)
    page = staff.get("/replies").text

    assert ">Opted out<" in before
    assert ">Opted out<" not in page
    assert ">Opted out, and back<" in page


def test_a_stop_after_the_start_is_the_last_word(parts, staff):
    ana = member(parts, "Ana")
    wrote(parts, ana, "START", 10, meaning="opt_in", handled_at=NOW)
    wrote(parts, ana, "STOP", 5, meaning="opt_out")

    assert ">Opted out<" in staff.get("/replies").text


def test_a_number_we_do_not_know_stands_apart_and_masked(parts, staff):
    wrote(parts, "+12125550177", "who is this")
    page = staff.get("/replies").text

    assert "••77" in page.partition("Not clear who")[2]
    assert "who is this" in page.partition("Not clear who")[2]
    assert "2125550177" not in page


def test_handled_is_for_all_that_stood_there_and_not_for_what_came_since(parts, staff):
    ana = member(parts, "Ana")
    wrote(parts, ana, "old", 20)
    seen = wrote(parts, ana, "seen", 10)
    wrote(parts, ana, "came since")
    wrote(parts, member(parts, "Ben"), "of another", 30)
    staff.post(f"/replies/{seen}/handled", {"thread": "1"})

    assert waiting(parts) == {"came since", "of another"}


def test_keep_unread_takes_back_what_one_press_had_handled(parts, staff):
    ana = member(parts, "Ana")
    wrote(parts, ana, "of last week", 9000, handled_at=NOW - timedelta(days=5))
    wrote(parts, ana, "one", 2)
    last = wrote(parts, ana, "two", 1)
    staff.post(f"/replies/{last}/handled", {"thread": "1"})
    is_there = "Keep unread" in staff.get("/replies?show=handled").text
    staff.post(f"/replies/{last}/handled", {"thread": "1", "keep": "1"})

    assert (is_there, waiting(parts)) == (True, {"one", "two"})
    with parts.read_db() as db:
        kept = db.scalars(select(AuditEntry.action).where(AuditEntry.object_type == "replies").order_by(AuditEntry.seq))
        assert list(kept) == ["reply handled", "reply kept unread"]


def test_the_front_desk_opens_no_replies(parts, staff):
    wrote(parts, member(parts, "Ana"), "a secret")
    as_role(parts, Role.COORDINATOR)

    assert staff.get("/replies").status_code == 404


@pytest.mark.parametrize("show", ["open", "handled"])
def test_more_threads_ask_the_database_no_more(parts, staff, show):
    asked = []
    done = {"handled_at": NOW} if show == "handled" else {}
    for turn in range(2):
        for number in range(1 + 8 * turn):
            wrote(parts, member(parts, f"Member {number}"), "7", meaning="score", **done)
            wrote(parts, f"+1212555{turn}{number:03}", "words", **done)
        with heard(parts.engine) as statements:
            staff.get(f"/replies?show={show}")
        asked.append(len(statements))

    assert asked[0] == asked[1]


def test_a_long_inbox_has_pages(parts, staff):
    for number in range(30):
        wrote(parts, member(parts, f"Member {number:02}"), "words", 100 - number)
    shown = [staff.get(f"/replies?page={page}").text.count(">Handled</button>") for page in (1, 2, 3)]

    assert shown == [25, 5, 0]
