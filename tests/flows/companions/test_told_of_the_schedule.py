"""Guardians, carers and interpreters: told of the schedule by their own consent, and of nothing else."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from service.flows import enrol, show
from service.flows.announce import expected
from service.flows.answer import Inbound
from service.flows.deliver import mark
from service.flows.plan import is_in_line, plan
from service.flows.receive import receive
from service.flows.schedule import cancel_session, move_session
from service.flows.standing import standing
from service.flows.write import Draft, reach
from service.models import Consent, Delivery, Enrolment, Group, GroupSession, Member
from service.models.groups import Answer
from service.rules.consent import Channel, Choice, Companion, Purpose, Refusal
from service.rules.kinds import Kind
from tests import builders
from tests.builders import NOW, THURSDAY
from tests.flows.companions.conftest import HOUR, MINE, THEIRS, WEDNESDAY, both, planned, reasons, send_all
from tests.listening import heard


def test_they_get_the_reminder_once_by_their_own_consent_and_none_of_the_questions(parts, post, texts, clock, made):
    with parts.read_db() as db:
        assert planned(db, made[0]) == [Kind.REMINDER, Kind.REFLECTION, Kind.CHECKIN]
        assert planned(db, made[1]) == [Kind.REMINDER]
    send_all(parts, post, clock)

    assert sorted(message.to for message in texts.outbox) == [MINE, THEIRS]
    with parts.read_db() as db:
        row = db.scalars(select(Delivery).where(Delivery.member_id == made[1])).one()
        assert db.get_one(Consent, row.consent_seq).member_id == made[1]


def test_what_they_read_names_nobody_and_asks_for_no_answer(parts, post, texts, clock, made):
    send_all(parts, post, clock)
    said = {message.to: message.text for message in texts.outbox}

    assert "Reply C to confirm" in said[MINE]
    assert said[THEIRS] == (
        "Oak St Office: Reminder of the appointment Thu Jan 7 at 6:30 PM. If something has changed call 212-555-0199. "
        "Reply STOP to end."
    )


@pytest.mark.parametrize("answer", list(Answer))
def test_what_the_member_answered_cannot_be_read_from_what_they_get(parts, post, texts, clock, made, answer):
    with parts.open_db() as db:
        for rule in db.scalars(select(builders.Rule)):
            rule.stop_if_answered = True
        meeting = db.scalars(select(GroupSession).where(GroupSession.starts_at == THURSDAY)).one()
        builders.answered(db, meeting, both(db, made)[0], answer)
        plan(db, NOW)
    send_all(parts, post, clock)

    assert [message.to for message in texts.outbox] == [THEIRS]


def test_no_reply_score_or_note_ever_goes_to_them(parts, post, texts, clock, made):
    """Not even where something else has planned it."""
    with parts.open_db() as db:
        guardian = both(db, made)[1]
        meeting = db.scalars(select(GroupSession).where(GroupSession.starts_at == THURSDAY)).one()
        for kind in (Kind.REFLECTION, Kind.CHECKIN, Kind.GOAL, Kind.NOTE):
            builders.delivery(db, guardian, meeting, kind)
        receive(db, Inbound("SM1", MINE, "I cried all night, tell nobody"), NOW)
    send_all(parts, post, clock, NOW)

    with parts.read_db() as db:
        assert reasons(db, made[1]) == {Refusal.SCHEDULE_ONLY, None}
    assert texts.outbox == []


def test_they_are_in_no_roster_no_count_and_no_note_to_all(parts, made):
    with parts.open_db() as db:
        who, guardian = both(db, made)
        meetings = db.scalars(select(GroupSession)).all()
        counts = show.answers(db, meetings)

        assert [expected(db, one) for one in meetings] == [[who], [who]]
        assert {sum(one.values()) for one in counts.values()} == {1}
        assert [row["id"] for row in show.members(db)] == [str(who.id)]
        assert db.scalars(select(Enrolment.member_id)).all() == [who.id]
        assert reach(db, expected(db, meetings[0]), Draft("Bring a pen.", None, NOW), NOW).people == 1
        assert guardian.id != who.id


def test_they_hear_of_a_move_and_of_a_cancellation_and_are_not_counted(parts, made):
    with parts.open_db() as db:
        meeting = db.scalars(select(GroupSession).where(GroupSession.starts_at == THURSDAY)).one()
        moved = move_session(db, meeting, THURSDAY + timedelta(days=1), NOW)
        cancelled = cancel_session(db, meeting, NOW + HOUR)

        assert [(one.by_text, one.to_phone) for one in (moved, cancelled)] == [(1, ()), (1, ())]
        assert [kind for kind in planned(db, made[1]) if kind is not Kind.REMINDER] == [Kind.MOVED, Kind.CANCELLED]


def test_of_a_child_whose_guardian_is_told_in_their_stead_nobody_is_phoned(parts, made):
    with parts.open_db() as db:
        who, guardian = both(db, made)
        who.choice = Choice.NONE
        db.flush()
        meeting = db.scalars(select(GroupSession).where(GroupSession.starts_at == THURSDAY)).one()
        by_guardian = move_session(db, meeting, THURSDAY + HOUR, NOW)
        guardian.reached_as = Companion.CARER
        db.flush()
        by_carer = cancel_session(db, meeting, NOW + HOUR)

        assert (by_guardian.to_phone, by_carer.to_phone) == ((), (who.id,))


def test_without_their_own_consent_nothing_goes(parts, post, texts, clock, made):
    with parts.open_db() as db:
        builders.withdraw(db, both(db, made)[1])
        plan(db, NOW)
        assert planned(db, made[1]) == []
    send_all(parts, post, clock)

    assert [message.to for message in texts.outbox] == [MINE]


@pytest.mark.parametrize("stops", [0, 1])
def test_who_opts_out_takes_nothing_from_the_other(parts, post, texts, clock, made, stops):
    with parts.open_db() as db:
        receive(db, Inbound("SM1", (MINE, THEIRS)[stops], "STOP"), NOW)
        who, other = made[stops], made[1 - stops]
        agreed = {one.id: standing(db, one).agreed(Channel.SMS, one.mobile_index) for one in both(db, made)}

        assert (agreed[who], Purpose.REMINDER in agreed[other]) == ((), True)
    send_all(parts, post, clock)

    assert [message.to for message in texts.outbox] == [(MINE, THEIRS)[1 - stops]]


def test_they_are_asked_themselves_and_for_reminders_alone(parts, post, texts, clock):
    with parts.open_db() as db:
        made = builders.scene(db, mobile=MINE)
        one = builders.companion(db, db.get_one(Member, made.member), agrees=())
        assert enrol.invite(db, one, one.asked, None, NOW) is Channel.SMS
    send_all(parts, post, clock, NOW)
    with parts.open_db() as db:
        answer = receive(db, Inbound("SM1", THEIRS, "START"), NOW + HOUR)
        one = db.get_one(Member, one.id)

        assert "Reply START to agree" in texts.outbox[0].text
        assert "You will get appointment texts" in answer
        assert standing(db, one).agreed(Channel.SMS, one.mobile_index) == (Purpose.REMINDER,)
        assert planned(db, one.id) == [Kind.REMINDER]


def test_planning_and_marking_ask_no_more_of_the_database_with_more_of_them(parts, post, clock, made):
    asked = []
    for many in (0, 6):
        with parts.open_db() as db:
            for number in range(many):
                carer = f"+121255503{number:02d}"
                builders.companion(db, both(db, made)[0], mobile=carer, companion_as=Companion.CARER)
        with parts.open_db() as db:
            plan(db, NOW)
        with heard(parts.engine) as planning, parts.read_db() as db:
            assert is_in_line(db, db.scalars(select(Group)).one(), NOW)
            ids = db.scalars(select(Delivery.id).where(Delivery.kind == Kind.REMINDER)).all()
        clock.go_to(WEDNESDAY)
        with heard(parts.engine) as marking, parts.open_db() as db:
            assert len(mark(db, ids, post)) == 2 + many
            marks = len(marking)
            db.rollback()
        asked.append((len(planning), marks))

    assert asked[0] == asked[1]
