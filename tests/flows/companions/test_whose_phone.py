"""One phone gets one text, whoever shares it; what companions write is theirs."""

import pytest
from sqlalchemy import select

from service.flows.answer import Inbound
from service.flows.plan import plan, plan_member
from service.flows.receive import receive
from service.flows.schedule import move_session
from service.models import Attendance, Flag, GroupSession, Member, Reply
from service.models.groups import Answer
from service.rules.consent import Choice, Refusal
from service.rules.kinds import Kind
from tests import builders
from tests.builders import NOW, THURSDAY
from tests.flows.companions.conftest import HOUR, MINE, THEIRS, both, planned, reasons, send_all

# whose phone it is


def test_where_it_is_the_members_own_phone_one_text_goes_and_not_two(parts, post, texts, clock):
    with parts.open_db() as db:
        made = builders.scene(db, mobile=MINE)
        one = builders.companion(db, db.get_one(Member, made.member), mobile=MINE)
        plan(db, NOW)
        assert planned(db, one.id) == []
    send_all(parts, post, clock)

    assert [message.to for message in texts.outbox] == [MINE]
    assert "Reply C to confirm" in texts.outbox[0].text


def test_a_phone_that_became_the_members_since_gets_one_text_too(parts, post, texts, clock, made):
    with parts.open_db() as db:  # as if nothing had planned it anew
        who = both(db, made)[0]
        who.set_mobile(THEIRS, ())
        builders.agree(db, who)
    send_all(parts, post, clock)

    with parts.read_db() as db:
        assert reasons(db, made[1]) == {Refusal.SAME_ADDRESS}
    assert [message.to for message in texts.outbox] == [THEIRS]


def test_news_goes_to_one_phone_once(parts, made):
    with parts.open_db() as db:
        who = both(db, made)[0]
        who.set_mobile(THEIRS, ())
        builders.agree(db, who)
        plan_member(db, who, NOW)
        assert (planned(db, made[1]), reasons(db, made[1])) == ([], {Refusal.SAME_ADDRESS})
        meeting = db.scalars(select(GroupSession).where(GroupSession.starts_at == THURSDAY)).one()
        move_session(db, meeting, THURSDAY + HOUR, NOW)

        assert (Kind.MOVED in planned(db, made[0]), planned(db, made[1])) == (True, [])


def test_what_fell_to_the_member_on_one_phone_is_the_guardians_again(parts, made):
    with parts.open_db() as db:
        who = both(db, made)[0]
        who.set_mobile(THEIRS, ())
        builders.agree(db, who)
        plan_member(db, who, NOW)
        who.choice = Choice.NONE
        db.flush()
        plan_member(db, who, NOW)

        assert planned(db, made[1]) == [Kind.REMINDER]


@pytest.mark.parametrize("change", ["chooses nothing", "has not agreed"])
def test_on_the_members_phone_the_guardian_is_reached_where_the_member_is_not(parts, post, texts, clock, change):
    with parts.open_db() as db:
        made = builders.scene(db, mobile=MINE)
        who = db.get_one(Member, made.member)
        builders.companion(db, who, mobile=MINE)
        if change == "chooses nothing":
            who.choice = Choice.NONE
        else:
            builders.withdraw(db, who)
        db.flush()
        plan_member(db, who, NOW)
    send_all(parts, post, clock)

    assert [message.to for message in texts.outbox] == [MINE]
    assert "Reply C" not in texts.outbox[0].text


def test_an_answer_from_a_shared_phone_is_the_members(parts, post, clock):
    with parts.open_db() as db:
        made = builders.scene(db, mobile=MINE)
        builders.companion(db, db.get_one(Member, made.member), mobile=MINE)
        plan(db, NOW)
    send_all(parts, post, clock)
    with parts.open_db() as db:
        receive(db, Inbound("SM1", MINE, "C"), clock())
        said = db.scalars(select(Attendance)).one()

        assert (said.member_id, said.answer) == (made.member, Answer.COMING)


# what they write


def test_their_answer_is_no_attendance_and_waits_for_a_person(parts, post, clock, made):
    send_all(parts, post, clock)
    with parts.open_db() as db:
        for number, words in enumerate(("X", "he is ill and cannot come")):
            receive(db, Inbound(f"SM{number}", THEIRS, words), clock() + HOUR)
        replies = db.scalars(select(Reply)).all()

        assert db.scalars(select(Attendance)).all() == []
        assert {(row.member_id, row.handled_at) for row in replies} == {(made[1], None)}


def test_what_they_write_of_danger_makes_a_flag(parts, made):
    with parts.open_db() as db:
        answer = receive(db, Inbound("SM1", THEIRS, "she says she wants to kill herself"), NOW)

        assert db.scalars(select(Flag)).one().member_id == made[1]
        assert "988" in answer
