"""At the mark it is asked again whether it is night, and how many a member has had."""

from datetime import timedelta

import pytest

from service.models import Delivery, Member
from service.models.groups import SessionState
from service.rules.consent import Channel, Choice, Refusal
from service.rules.kinds import Kind
from service.rules.lifecycle import State
from tests import builders
from tests.builders import HOURS, NOW, local
from tests.flows.marking.conftest import outcome

# quiet hours


def test_at_the_mark_it_is_asked_again_whether_it_is_night(parts, post, texts, clock, due):
    clock.go_to(local("2027-01-06 20:00"))
    row = outcome(parts, post, due.delivery)

    assert (row.state, row.next_at, texts.outbox) == (State.SCHEDULED, local("2027-01-07 09:00"), [])
    assert row.why == "24 hours before the session, held by quiet hours"


def test_what_the_night_held_back_goes_in_the_morning(parts, post, texts, clock, due):
    clock.go_to(local("2027-01-06 20:00"))
    outcome(parts, post, due.delivery)
    clock.go_to(local("2027-01-07 09:00"))

    assert (outcome(parts, post, due.delivery).state, len(texts.outbox)) == (State.ACCEPTED, 1)


def test_a_reminder_that_the_night_holds_back_for_too_long_is_put_away(parts, post, texts, clock):
    with parts.open_db() as db:
        place = builders.group(db)
        meeting = builders.session(db, place, local("2027-01-07 09:30"))
        row = builders.delivery(db, builders.member(db), meeting, expires_at=meeting.starts_at - timedelta(minutes=10))
    clock.go_to(local("2027-01-07 07:00"))

    row = outcome(parts, post, row.id)
    assert (row.state, row.reason, texts.outbox) == (State.EXPIRED, Refusal.TOO_LATE, [])


def test_a_prompt_that_the_night_holds_back_is_as_useful_in_the_morning(parts, post, texts, clock):
    with parts.open_db() as db:
        made = builders.scene(db, Kind.REFLECTION, 18 * HOURS)
        db.get_one(Delivery, made.delivery).expires_at = local("2027-01-08 23:00")
    clock.go_to(local("2027-01-08 21:00"))
    outcome(parts, post, made.delivery)
    clock.go_to(local("2027-01-09 09:00"))

    assert (outcome(parts, post, made.delivery).state, len(texts.outbox)) == (State.ACCEPTED, 1)


def test_it_is_night_by_the_members_clock_and_not_by_ours(parts, post, texts, clock):
    with parts.open_db() as db:
        made = builders.scene(db, time_zone="America/Los_Angeles")
        db.get_one(Delivery, made.delivery).next_at = NOW
    clock.go_to(local("2027-01-05 09:00"))  # six in Los Angeles

    assert (outcome(parts, post, made.delivery).state, texts.outbox) == (State.SCHEDULED, [])


# caps


def sent_before(db, who, *moments, kind=Kind.REMINDER, state=State.DELIVERED):
    for moment in moments:
        builders.delivery(
            db,
            who,
            kind=kind,
            state=state,
            marked_at=moment,
            due_at=moment,
            next_at=moment,
            address_index=who.mobile_index,
        )


def test_the_third_text_of_a_day_is_not_sent(parts, post, texts, due):
    with parts.open_db() as db:
        sent_before(db, db.get_one(Member, due.member), local("2027-01-06 09:00"), local("2027-01-06 12:00"))

    row = outcome(parts, post, due.delivery)
    assert (row.state, row.reason, texts.outbox) == (State.CANCELLED, Refusal.CAP, [])


def test_a_day_is_one_of_the_members_calendar(parts, post, texts, due):
    with parts.open_db() as db:
        sent_before(db, db.get_one(Member, due.member), local("2027-01-05 19:30"), local("2027-01-05 19:40"))

    assert outcome(parts, post, due.delivery).state is State.ACCEPTED


@pytest.mark.parametrize(("oldest", "state"), [("2026-12-30", State.ACCEPTED), ("2026-12-31", State.CANCELLED)])
def test_the_sixth_text_in_seven_days_is_not_sent(parts, post, due, oldest, state):
    days = (oldest, "2027-01-01", "2027-01-02", "2027-01-03", "2027-01-04")
    with parts.open_db() as db:
        sent_before(db, db.get_one(Member, due.member), *(local(f"{day} 19:59") for day in days))

    assert outcome(parts, post, due.delivery).state is state


def test_of_three_that_are_due_at_once_two_are_sent(parts, post, texts, clock):
    with parts.open_db() as db:
        who = builders.member(db)
        ids = [builders.delivery(db, who, builders.session(db, builders.group(db, name))).id for name in "ABC"]
    outcome(parts, post, ids)

    assert len(texts.outbox) == 2


def test_those_who_share_a_phone_share_its_cap(parts, post, texts, clock):
    with parts.open_db() as db:
        meeting = builders.session(db, builders.group(db))
        two = [builders.member(db, name, mobile="+12125550150") for name in ("Anna", "Bea")]
        ids = [builders.delivery(db, two[0], meeting).id, builders.delivery(db, two[1], meeting).id]
        ids.append(builders.delivery(db, two[1], builders.session(db, builders.group(db, "Other"))).id)
    outcome(parts, post, ids)

    assert len(texts.outbox) == 2


@pytest.mark.parametrize("state", [State.CANCELLED, State.EXPIRED, State.SUPPRESSED, State.DEAD])
def test_what_did_not_go_does_not_count(parts, post, due, state):
    with parts.open_db() as db:
        moments = [local(f"2027-01-06 1{hour}:00") for hour in range(5)]
        sent_before(db, db.get_one(Member, due.member), *moments, state=state)

    assert outcome(parts, post, due.delivery).state is State.ACCEPTED


def test_what_went_counts_whatever_became_of_it(parts, post, due):
    with parts.open_db() as db:
        who = db.get_one(Member, due.member)
        sent_before(db, who, local("2027-01-06 11:00"), state=State.UNDELIVERED)
        sent_before(db, who, local("2027-01-06 12:00"), state=State.ASSUMED)

    assert outcome(parts, post, due.delivery).reason == Refusal.CAP


def test_the_news_of_a_cancelled_session_is_not_capped(parts, post, texts):
    with parts.open_db() as db:
        who = builders.member(db)
        sent_before(db, who, NOW, NOW)
        meeting = builders.session(db, builders.group(db), state=SessionState.CANCELLED)
        row = builders.delivery(db, who, meeting, Kind.CANCELLED)

    outcome(parts, post, row.id)
    assert len(texts.outbox) == 1


def test_mails_are_not_capped(parts, post, mails):
    with parts.open_db() as db:
        who = builders.member(db, email="anna@example.org", choice=Choice.EMAIL, mobile="")
        ids = [
            builders.delivery(db, who, builders.session(db, builders.group(db, name)), channel=Channel.EMAIL).id
            for name in "ABC"
        ]
    outcome(parts, post, ids)

    assert len(mails.outbox) == 3
