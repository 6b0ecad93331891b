"""Of a move or a cancellation each member is told once, and it is said whom to phone."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from service.flows.announce import expected
from service.flows.deliver import deliver
from service.flows.schedule import cancel_session, move_session
from service.models import GroupSession, Member
from service.models.groups import SessionState
from service.rules.consent import Choice
from service.rules.kinds import Kind
from tests import builders
from tests.builders import NOW, THURSDAY, local
from tests.flows.schedule.conftest import notices


@pytest.fixture
def met(parts):
    """A group with members of every kind of reach, which meets on Thursday at 18:30. Its session's id."""
    with parts.open_db() as db:
        place = builders.group(db)
        meeting = builders.session(db, place)
        for who in (
            builders.member(db, "Texted"),
            builders.member(db, "Mailed", choice=Choice.EMAIL, email="m@example.org", mobile=""),
            builders.member(db, "Both", choice=Choice.BOTH, email="b@example.org"),
            builders.member(db, "Neither", choice=Choice.NONE),
            builders.member(db, "Never asked", agrees=()),
        ):
            builders.enrolled(db, place, who)
        builders.session(db, place, THURSDAY + timedelta(weeks=1))
        return meeting.id


def names(db, ids):
    return sorted(db.get_one(Member, one).name for one in ids)


# moving


def test_a_moved_session_keeps_its_length(parts, met):
    with parts.open_db() as db:
        meeting = db.get_one(GroupSession, met)
        move_session(db, meeting, THURSDAY + timedelta(days=1), NOW)

        assert (meeting.starts_at, meeting.minutes, meeting.start_revision) == (THURSDAY + timedelta(days=1), 90, 1)


def test_of_a_move_each_member_is_told_once_on_every_channel_they_agreed_to(parts, met):
    with parts.open_db() as db:
        told = move_session(db, db.get_one(GroupSession, met), THURSDAY + timedelta(days=1), NOW)
        who = sorted((row.member.name, row.channel.value) for row in notices(db, Kind.MOVED))

    assert who == [("Both", "email"), ("Both", "sms"), ("Mailed", "email"), ("Texted", "sms")]
    assert (told.by_text, told.by_email) == (2, 2)


def test_of_a_move_it_is_said_who_must_be_phoned(parts, met):
    with parts.open_db() as db:
        told = move_session(db, db.get_one(GroupSession, met), THURSDAY + timedelta(days=1), NOW)

        assert names(db, told.to_phone) == ["Neither", "Never asked"]


def test_a_move_to_the_same_hour_is_none(parts, met):
    with parts.open_db() as db:
        told = move_session(db, db.get_one(GroupSession, met), THURSDAY, NOW)

        assert (told.by_text, notices(db, Kind.MOVED)) == (0, [])


def test_the_news_of_a_move_names_both_hours(parts, post, texts, met):
    with parts.open_db() as db:
        move_session(db, db.get_one(GroupSession, met), local("2027-01-08 17:00"), NOW)
        ids = [row.id for row in notices(db, Kind.MOVED)]
    deliver(post, ids)

    assert texts.outbox[0].text == (
        "Oak St Office: Your appointment moved from Thu Jan 7 6:30 PM to Fri Jan 8 5:00 PM. Reply C to confirm or X if"
        " you can't come. Call 212-555-0199."
    )


def test_a_session_moved_twice_is_told_of_with_its_last_hour_alone(parts, post, texts, met):
    for hours in (24, 48):
        with parts.open_db() as db:
            move_session(db, db.get_one(GroupSession, met), THURSDAY + timedelta(hours=hours), NOW)
    with parts.open_db() as db:
        ids = [row.id for row in notices(db, Kind.MOVED)]
    deliver(post, ids)

    assert {message.text.partition(" to ")[2][:18] for message in texts.outbox} == {"Sat Jan 9 6:30 PM."}
    assert len(texts.outbox) == 2


def test_a_move_made_at_night_is_told_in_the_morning(parts, met):
    with parts.open_db() as db:
        night = local("2027-01-05 22:00")
        move_session(db, db.get_one(GroupSession, met), THURSDAY + timedelta(days=1), night)

        assert {row.next_at for row in notices(db, Kind.MOVED) if row.channel == "sms"} == {local("2027-01-06 09:00")}


# cancelling


def test_of_a_cancellation_each_member_is_told_once(parts, met):
    with parts.open_db() as db:
        told = cancel_session(db, db.get_one(GroupSession, met), NOW)
        again = cancel_session(db, db.get_one(GroupSession, met), NOW)

        assert (told.by_text, told.by_email, again.by_text, len(notices(db, Kind.CANCELLED))) == (2, 2, 0, 4)


def test_the_news_of_a_cancellation_names_the_next_session(parts, post, texts, met):
    with parts.open_db() as db:
        cancel_session(db, db.get_one(GroupSession, met), NOW)
        ids = [row.id for row in notices(db, Kind.CANCELLED)]
    deliver(post, ids)

    assert texts.outbox[0].text == (
        "Oak St Office: Your Thu Jan 7 6:30 PM appointment is canceled. Please do not come. Next one: Thu Jan 14"
        " 6:30 PM. Questions? Call 212-555-0199."
    )


def test_the_news_of_the_last_session_names_no_next_one(parts, post, texts, met):
    with parts.open_db() as db:
        for meeting in db.scalars(select(GroupSession).order_by(GroupSession.starts_at.desc())):
            cancel_session(db, meeting, NOW)
        ids = [row.id for row in notices(db, Kind.CANCELLED) if row.group_session_id == met]
    deliver(post, ids)

    assert "Next one" not in texts.outbox[0].text


def test_cancelled_at_night_a_few_hours_before_somebody_has_to_phone(parts, met):
    with parts.open_db() as db:
        meeting = db.get_one(GroupSession, met)
        meeting.starts_at, meeting.ends_at = local("2027-01-05 10:00"), local("2027-01-05 11:30")
        db.flush()
        told = cancel_session(db, meeting, local("2027-01-05 05:00"))

        assert names(db, told.to_phone) == ["Neither", "Never asked", "Texted"]
        assert {row.channel.value for row in notices(db, Kind.CANCELLED)} == {"email"}


def test_who_opted_out_must_be_phoned(parts, met):
    with parts.open_db() as db:
        texted = next(row for row in db.scalars(select(Member)) if row.name == "Texted")
        builders.suppress_texts(db, texted)
        told = cancel_session(db, db.get_one(GroupSession, met), NOW)

        assert "Texted" in names(db, told.to_phone)


def test_of_a_session_that_is_over_nobody_is_told(parts, met):
    with parts.open_db() as db:
        told = cancel_session(db, db.get_one(GroupSession, met), THURSDAY + timedelta(hours=3))

        assert (told.by_text, told.to_phone, notices(db, Kind.CANCELLED)) == (0, (), [])


def test_members_on_leave_are_not_told(parts, met):
    with parts.open_db() as db:
        place = db.get_one(GroupSession, met).group
        away = builders.member(db, "Away")
        builders.enrolled(db, place, away, away_from=THURSDAY.date())
        told = cancel_session(db, db.get_one(GroupSession, met), NOW)

        assert away.id not in {row.member_id for row in notices(db, Kind.CANCELLED)} | set(told.to_phone)


def test_a_cancelled_sessions_news_of_a_move_is_void(parts, post, texts, met):
    with parts.open_db() as db:
        move_session(db, db.get_one(GroupSession, met), THURSDAY + timedelta(days=1), NOW)
    with parts.open_db() as db:
        cancel_session(db, db.get_one(GroupSession, met), NOW)
        ids = [row.id for row in builders.all_deliveries(db)]
    deliver(post, ids)

    assert all("canceled" in message.text for message in texts.outbox)


def test_all_changes_are_in_one_transaction(parts, met):
    def cancel_and_fail():
        with parts.open_db() as db:
            cancel_session(db, db.get_one(GroupSession, met), NOW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        cancel_and_fail()

    with parts.read_db() as db:
        assert (db.get_one(GroupSession, met).state, builders.all_deliveries(db)) == (SessionState.PLANNED, [])


def test_expected_are_those_who_belong_on_the_day(parts, met):
    with parts.open_db() as db:
        place = db.get_one(GroupSession, met).group
        builders.enrolled(db, place, builders.member(db, "Later"), joined_on=THURSDAY.date() + timedelta(days=1))
        builders.enrolled(db, place, builders.member(db, "Left"), left_on=THURSDAY.date())
        who = [row.name for row in expected(db, db.get_one(GroupSession, met))]

    assert sorted(who) == ["Both", "Mailed", "Neither", "Never asked", "Texted"]
