"""A member's contact: a new number starts anew, what is safe counts before every consent, and the young wait."""

import re
from datetime import date, time

import pytest
from sqlalchemy import select

from service.flows.announce import News, announce
from service.flows.deliver import deliver
from service.flows.enrol import can_be_invited
from service.flows.plan import plan_member
from service.flows.standing import standing
from service.models import Consent, Delivery, Member
from service.rules.consent import Channel, Choice, MinorRoute, Refusal
from service.rules.kinds import Kind
from service.rules.lifecycle import State
from tests import builders
from tests.builders import NOW, THURSDAY, local
from tests.web.made_groups import has_error_at

FORM = {
    "name": "Anna Bell",
    "mobile": "212-555-0100",
    "email": "",
    "channel": "sms",
    "language": "en",
    "time_zone": "America/New_York",
    "may_text": "1",
    "may_email": "1",
    "may_call": "1",
}
on_sqlite = builders.on_sqlite


@pytest.fixture
def made(parts):
    with parts.open_db() as db:
        return builders.scene(db)


def save(staff, made, **changes):
    return staff.post(f"/members/{made.member}/contact", {**FORM, **changes})


def of(parts, made):
    with parts.read_db() as db:
        row = db.get_one(Delivery, made.delivery)
        return row.state, row.reason


def member(parts, made):
    with parts.read_db() as db:
        return db.get_one(Member, made.member)


@on_sqlite
def test_saving_what_is_there_changes_nothing(parts, staff, made):
    page = staff.get(f"/members/{made.member}/contact").text
    answer = save(staff, made)

    assert 'value="+12125550100"' in page
    assert (answer.status_code, of(parts, made)) == (302, (State.SCHEDULED, None))
    with parts.read_db() as db:
        assert len(db.scalars(select(Consent)).all()) == 5


@on_sqlite
def test_a_new_number_has_agreed_to_nothing_and_is_asked_again(parts, staff, made):
    save(staff, made, mobile="212-555-0177")

    assert of(parts, made) == (State.SUPPRESSED, Refusal.NO_CONSENT)
    with parts.read_db() as db:
        who = db.get_one(Member, made.member)
        assert standing(db, who).agreed(Channel.SMS, who.mobile_index) == ()
        assert can_be_invited(db, who)


@on_sqlite
def test_start_from_the_old_number_is_a_strangers(parts, staff, made, twilio):
    save(staff, made, mobile="212-555-0177")
    twilio.said("+12125550100", "START")

    assert of(parts, made) == (State.SUPPRESSED, Refusal.NO_CONSENT)


@on_sqlite
def test_a_number_that_is_put_back_has_to_be_asked_as_well(parts, staff, made):
    save(staff, made, mobile="212-555-0177")
    save(staff, made)

    assert of(parts, made) == (State.SUPPRESSED, Refusal.NO_CONSENT)
    with parts.read_db() as db:
        noes = db.scalars(select(Consent).where(Consent.is_yes.is_(False))).all()
    assert {row.method for row in noes} == {"address changed"}


def test_what_is_marked_as_not_safe_is_not_sent_whatever_was_agreed_to(parts, staff, made, post, texts, clock):
    save(staff, made, may_text="0")
    taken_back = of(parts, made)
    with parts.open_db() as db:  # as if it had been planned by then
        db.get_one(Delivery, made.delivery).move(db, State.SCHEDULED, NOW, by="test")
    clock.go_to(local("2027-01-06 18:30"))
    deliver(post, [made.delivery])

    assert taken_back == of(parts, made) == (State.SUPPRESSED, Refusal.NOT_SAFE)
    assert texts.outbox == []


@on_sqlite
def test_what_is_safe_again_is_sent_again(parts, staff, made):
    save(staff, made, may_text="0")
    save(staff, made)

    assert of(parts, made) == (State.SCHEDULED, None)


@on_sqlite
@pytest.mark.parametrize("route", [MinorRoute.MINOR, MinorRoute.GUARDIAN])
def test_nobody_under_age_is_written_to_until_the_ground_is_on_record(parts, staff, made, route):
    save(staff, made, born_on="2011-05-05")
    before = of(parts, made)
    save(staff, made, born_on="2011-05-05", minor_route=route, minor_note="Their own phone; only they read it.")

    assert before == (State.SUPPRESSED, Refusal.MINOR)
    assert of(parts, made) == (State.SCHEDULED, None)
    assert member(parts, made).adult_on == date(2029, 5, 5)


@on_sqlite
def test_nobody_under_age_is_even_invited(parts, staff):
    with parts.open_db() as db:
        who = builders.member(db, agrees=())
        who.adult_on = date(2029, 5, 5)

        assert not can_be_invited(db, who)


@on_sqlite
def test_staff_are_told_when_somebody_comes_of_age(parts, staff, made, clock):
    save(staff, made, born_on="2009-01-05", minor_route="guardian", minor_note="Their mother's phone.")
    before = staff.get(f"/members/{made.member}").text
    clock.go(days=2)

    assert "ask for their own consent" not in before
    assert "Of age: ask for their own consent" in staff.get(f"/members/{made.member}").text


@on_sqlite
def test_an_adult_needs_no_ground(parts, staff, made):
    save(staff, made, born_on="1990-02-28", minor_route="guardian")

    assert (member(parts, made).adult_on, member(parts, made).minor_route) == (None, None)


def test_nothing_reaches_them_outside_of_their_safe_hours(parts, staff, made, post, texts, clock):
    save(staff, made, safe_from="10:00", safe_until="12:00")
    with parts.read_db() as db:
        planned = db.get_one(Delivery, made.delivery)
    assert planned.next_at == local("2027-01-06 11:45")
    with parts.open_db() as db:
        db.get_one(Delivery, made.delivery).next_at = local("2027-01-06 14:00")
    clock.go_to(local("2027-01-06 14:00"))
    deliver(post, [made.delivery])

    assert texts.outbox == []


def test_two_members_with_other_safe_hours_are_each_held_by_their_own(parts, staff, post, texts, clock):
    with parts.open_db() as db:
        place = builders.group(db)
        meeting = builders.session(db, place)
        careful = builders.member(db, "Anna Bell")
        careful.safe_from, careful.safe_until = time(10), time(12)
        free = builders.member(db, "Ben Cole")
        for who in (careful, free):
            builders.enrolled(db, place, who)
        when = {"next_at": local("2027-01-05 14:00"), "expires_at": local("2027-01-06 14:00")}
        ids = [builders.delivery(db, who, meeting, **when).id for who in (free, careful)]
    clock.go_to(local("2027-01-05 14:00"))
    deliver(post, ids)

    assert [message.to for message in texts.outbox] == [free.mobile]


@on_sqlite
def test_even_a_mail_with_news_waits_for_a_safe_hour(parts):
    with parts.open_db() as db:
        place = builders.group(db)
        meeting = builders.session(db, place)
        who = builders.member(db, mobile="", email="anna@example.org", choice=Choice.EMAIL)
        who.safe_from, who.safe_until = time(12), time(14)
        builders.enrolled(db, place, who)
        announce(db, News(Kind.CANCELLED, meeting, THURSDAY), NOW)

        assert db.scalars(select(Delivery)).one().next_at == local("2027-01-04 12:00")


@on_sqlite
def test_safe_hours_that_the_practice_has_left_are_kept_to_all_the_same(parts, made):
    with parts.open_db() as db:
        practice, who = builders.practice(db, opens=time(15), closes=time(20)), db.get_one(Member, made.member)
        who.safe_from, who.safe_until = time(10), time(12)
        db.flush()
        plan_member(db, who, NOW)

        assert practice.opens == time(15)
        assert db.get_one(Delivery, made.delivery).next_at == local("2027-01-06 11:45")


@on_sqlite
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("mobile", "12"),
        ("email", "nonsense"),
        ("channel", "pigeon"),
        ("language", "fr"),
        ("time_zone", "Mars/Base"),
        ("safe_from", "25:00"),
        ("safe_until", "soon"),
        ("safe_asked_on", "2027-02-01"),
        ("safe_asked_on", "never"),
        ("born_on", "2028-01-01"),
        ("born_on", "1700-01-01"),
        ("born_on", "x"),
        ("minor_note", "\x07"),
    ],
)
def test_what_cannot_be_read_is_an_error_at_its_field(parts, staff, made, field, value):
    page = save(staff, made, **{"safe_from": "10:00", "safe_until": "12:00", field: value})

    assert (page.status_code, has_error_at(page, field)) == (422, True)
    assert member(parts, made).safe_from is None


@on_sqlite
@pytest.mark.parametrize("hours", ["10:00 10:30", "12:00 10:00", "07:00 09:00", "20:00 22:00"])
def test_safe_hours_are_an_hour_of_the_day_at_least(staff, made, hours):
    start, end = hours.split()

    assert has_error_at(save(staff, made, safe_from=start, safe_until=end), "safe_until")


@on_sqlite
def test_a_ground_without_whose_phone_it_is_is_an_error(staff, made):
    assert has_error_at(save(staff, made, born_on="2011-05-05", minor_route="minor"), "minor_note")


@on_sqlite
def test_a_number_that_another_member_has_needs_both_to_know(parts, staff, made):
    with parts.open_db() as db:
        other = builders.member(db, "Ben Cole", mobile="+12125550188")
    refused = save(staff, made, mobile="212-555-0188")
    taken = save(staff, made, mobile="212-555-0188", shares_phone="1")

    assert (has_error_at(refused, "mobile"), taken.status_code) == (True, 302)
    with parts.read_db() as db:
        assert db.get_one(Member, other.id).shares_phone


@on_sqlite
def test_the_page_of_a_member_says_what_is_safe_and_when_to_ask_again(staff, made, clock):
    save(staff, made, may_call="0", others_read="1", safe_from="10:00", safe_until="12:00", safe_asked_on="2027-01-04")
    page = staff.get(f"/members/{made.member}").text
    clock.go(days=91)

    assert all(words in page for words in ("Never call", "Others may read their messages", "10:00 AM to 12:00 PM"))
    assert "Ask again what is safe" not in page
    assert "Ask again what is safe" in staff.get(f"/members/{made.member}").text


@on_sqlite
def test_born_on_the_29th_of_february_of_age_on_the_first_of_march(parts, staff, made):
    save(staff, made, born_on="2012-02-29")

    assert member(parts, made).adult_on == date(2030, 3, 1)
    assert re.search(r'id="f-born_on"[^>]*value="2012-03-01"', staff.get(f"/members/{made.member}/contact").text)
