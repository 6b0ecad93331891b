"""An administrator reads what is another's to read only with a reason, for an hour, and is seen to."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from service.flows.receive import Inbound, receive
from service.models import AuditEntry, Enrolment, Group, Opening, Reply
from tests.builders import NOW
from tests.web.role_table import A, C, F

REASON = "A complaint of 4 January, for the board"


@pytest.fixture
def machine(parts, monkeypatch):
    """The clock of sign-ins, by hand."""
    now = parts.machine_clock()

    class Hand:
        def __init__(self):
            self.moment = now

        def __call__(self):
            return self.moment

    hand = Hand()
    object.__setattr__(parts, "machine_clock", hand)
    return hand


def page(own, client):
    return client.get(f"/members/{own.values['member_id']}").text


def open_up(own, client, reason=REASON):
    return client.post(f"/members/{own.values['member_id']}/read", data={"reason": reason})


def test_what_is_kept_back_is_said_and_opens_with_a_reason(own, other, signed_in):
    admin = signed_in(A)
    before = page(own, admin)
    open_up(own, admin)
    after = page(own, admin)

    assert "Read with a reason" in before
    assert not [secret for secret in own.secrets if secret in before]
    assert [secret for secret in own.secrets if secret not in after] == []
    assert "Open to you until" in after
    assert not [secret for secret in other.secrets if secret in page(other, admin) + admin.get("/replies").text]


@pytest.mark.parametrize("reason", ["", "because", "   x       ", "x" * 301])
def test_without_a_reason_nothing_opens(parts, own, signed_in, reason):
    admin = signed_in(A)
    answer = open_up(own, admin, reason)

    assert answer.status_code == 422
    assert 'class="error' in answer.text
    assert own.words not in page(own, admin)
    with parts.read_db() as db:
        assert db.scalars(select(Opening)).all() == []


def test_it_closes_by_itself_after_an_hour(own, machine, signed_in):
    admin = signed_in(A)
    open_up(own, admin)
    for minutes in (14, 14, 14, 14, 3):  # who does nothing for a quarter of an hour is signed out
        machine.moment += timedelta(minutes=minutes)
        within = page(own, admin)
    machine.moment += timedelta(minutes=1)

    assert own.words in within
    assert own.words not in page(own, admin)


def test_looking_at_the_question_opens_nothing(own, signed_in):
    admin = signed_in(A)
    admin.get(f"/members/{own.values['member_id']}/read")

    assert own.words not in page(own, admin)


def test_whoever_leads_the_group_sees_who_read_it_when_and_why(own, other, signed_in):
    open_up(own, signed_in(A))
    lee = signed_in(F)

    for path in ("/", "/replies", f"/members/{own.values['member_id']}"):
        assert REASON in lee.get(path).text, path
    assert "opened what" in lee.get("/").text


def test_what_others_lead_is_told_to_them_alone(own, other, signed_in):
    open_up(other, signed_in(A))

    assert REASON not in signed_in(F).get("/").text
    office = signed_in(C)
    assert REASON not in page(other, office) + office.get("/").text


def test_it_is_told_for_two_weeks_and_stands_on_the_members_page_for_good(own, clock, signed_in):
    open_up(own, signed_in(A))
    clock.go(days=15)
    lee = signed_in(F)

    assert REASON not in lee.get("/").text
    assert REASON in page(own, lee)


def test_that_it_was_opened_and_that_it_was_read_are_on_record(parts, own, signed_in):
    admin = signed_in(A)
    open_up(own, admin)
    page(own, admin)

    with parts.read_db() as db:
        kept = db.scalars(select(AuditEntry).order_by(AuditEntry.seq)).all()
    assert [row.action for row in kept][-3:] == ["replies opened", "replies read", "check-ins read"]
    assert {row.member_id for row in kept[-3:]} == {own.values["member_id"]}
    assert REASON not in repr([vars(row) for row in kept])


def test_what_is_written_on_the_day_of_leaving_is_judged_by_the_groups_clock(parts, own, signed_in):
    """Half past nine in the evening in New York is the next day in London."""
    with parts.open_db() as db:
        receive(db, Inbound("SM-evening", "+12125550100", "words of the evening"), NOW)
        receive(db, Inbound("SM-after", "+12125550100", "words of after"), NOW)
        rows = {row.provider_id: row for row in db.scalars(select(Reply))}
        leave(db, own, "2027-01-04")
        rows["SM-evening"].received_at = NOW.replace(day=5, hour=4, minute=59)
        rows["SM-after"].received_at = NOW.replace(day=5, hour=5, minute=1)
    text = page(own, signed_in(F))

    assert "words of the evening" in text
    assert "words of after" not in text


def leave(db, own, day):
    enrolment = db.get_one(Enrolment, own.values["enrolment_id"])
    enrolment.left_on = date.fromisoformat(day)
    db.get_one(Group, own.values["group_id"]).time_zone = "America/New_York"
