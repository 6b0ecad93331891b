"""Who reads what members write, and who sees a number in full, is on record: no page shows it without."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from service.models import AuditEntry
from tests.builders import NOW
from tests.web.role_table import ON_CALL, A, C, F
from tests.web.worlds import SHOWS, ask, routes

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

NUMBER, MAIL = "+12125550100", "mail-own@example.org"
READS = ("replies read", "check-ins read", "addresses read", "flag read")


def reads(parts, after=0):
    with parts.read_db() as db:
        query = select(AuditEntry).where(AuditEntry.action.in_(READS), AuditEntry.seq > after).order_by(AuditEntry.seq)
        return db.scalars(query).all()


def shown(world, page):
    """What of a member's own stands on the page, by what its entry is called."""
    kinds = {
        "replies read": (world.words, world.reflection, f"Check-in {world.score}"),
        "check-ins read": (f">{world.score}<",),
        "addresses read": (NUMBER, MAIL),
    }
    return {action for action, canaries in kinds.items() if any(canary in page for canary in canaries)}


@pytest.mark.parametrize("role", [A, F, C, ON_CALL])
def test_no_page_shows_what_is_a_members_own_without_an_entry(parts, app, own, clock, signed_in, role):
    client = signed_in(role)
    seen, forgotten = set(), []
    for rule, how in [one for one in routes(app) if one[1] == "GET" or one[0].endpoint in SHOWS]:
        clock.go(minutes=11)
        last = max((row.seq for row in reads(parts)), default=0)
        page = ask(app, client, rule, how, own).text
        kept = {row.action for row in reads(parts, last) if row.member_id == own.values["member_id"]}
        seen |= shown(own, page)
        forgotten += [(rule.endpoint, how, what) for what in shown(own, page) - kept]
        if own.flagged in page and not kept & {"flag read", "replies read"}:
            forgotten.append((rule.endpoint, how, "flag read"))

    assert forgotten == []
    assert seen == (set(READS) - {"flag read"} if role is F else {"addresses read"})


def test_a_page_that_is_opened_again_within_ten_minutes_is_one_entry(parts, own, clock, signed_in):
    client = signed_in(F)
    for _ in range(3):
        client.get("/replies")
        clock.go(minutes=4)
    before = len(reads(parts))
    client.get("/replies")

    assert (before, len(reads(parts))) == (1, 2)


@pytest.mark.parametrize("headers", [{"Sec-Purpose": "prefetch;prerender"}, {"Purpose": "prefetch"}])
def test_a_browser_that_looks_ahead_gets_nothing_and_leaves_no_trace(parts, own, signed_in, headers):
    answer = signed_in(F).get("/replies", headers=headers)

    assert (answer.status_code, own.words in answer.text, reads(parts)) == (503, False, [])


def test_asking_for_the_head_alone_leaves_no_trace(parts, own, signed_in):
    assert signed_in(F).head("/replies").status_code == 200
    assert reads(parts) == []


@pytest.mark.parametrize("page", ["/", "/replies", "/members/{member_id}", "/members/{member_id}/contact"])
def test_what_cannot_be_put_on_record_is_not_shown(parts, own, signed_in, page):
    client = signed_in(F)
    with parts.open_db() as db:
        full = "CREATE TRIGGER full BEFORE INSERT ON audit_entries BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        db.execute(text(full))
    try:
        answer = client.get(page.format(**own.values))
    finally:
        with parts.open_db() as db:
            db.execute(text("DROP TRIGGER full"))

    assert (answer.status_code, shown(own, answer.text)) == (503, set())
    assert "This cannot be shown now" in answer.text


def test_a_number_is_masked_until_somebody_asks_for_it(parts, own, signed_in):
    client = signed_in(C)
    member = f"/members/{own.values['member_id']}"
    before = client.get(member).text
    in_full = client.post(f"{member}/addresses").text

    assert [(secret in before, secret in in_full) for secret in (NUMBER, MAIL)] == [(False, True)] * 2
    assert "••• ••• ••00" in before
    assert "m•••@•••.org" in before
    assert NUMBER not in client.get(member).text
    assert [(row.action, row.member_id) for row in reads(parts)] == [("addresses read", own.values["member_id"])]


def test_a_members_page_without_words_leaves_no_entry(parts, own, signed_in):
    signed_in(C).get(f"/members/{own.values['member_id']}")

    assert reads(parts) == []


def test_an_entry_holds_no_word_of_anybody(parts, own, signed_in):
    signed_in(F).get(f"/members/{own.values['member_id']}")
    kept = [(row.details, row.object_type, row.at) for row in reads(parts)]

    assert kept == [({}, "members", NOW), ({}, "members", NOW)]


def test_what_was_read_long_ago_is_an_entry_anew(parts, own, clock, signed_in):
    client = signed_in(F)
    client.get("/replies")
    clock.go(minutes=10)
    client.get("/replies")
    times = [row.at for row in reads(parts)]

    assert times[1] - times[0] == timedelta(minutes=10)
