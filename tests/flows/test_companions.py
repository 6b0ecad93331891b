"""Guardians, carers and interpreters: told of the schedule by their own consent, and of nothing else."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from service.flows import enrol, erase, links, show
from service.flows.announce import expected
from service.flows.answer import Inbound
from service.flows.deliver import deliver, mark
from service.flows.hold import start_again, stop_everything
from service.flows.import_file import check_members, write_members
from service.flows.of_age import ask_who_came_of_age
from service.flows.plan import is_in_line, plan, plan_member
from service.flows.receive import receive
from service.flows.schedule import cancel_session, move_session
from service.flows.standing import standing
from service.flows.write import Draft, reach
from service.models import Attendance, Consent, Delivery, Enrolment, Flag, Group, GroupSession, Member, Reply
from service.models.groups import Answer
from service.rules.consent import Channel, Choice, Companion, MinorRoute, Purpose, Refusal
from service.rules.kinds import Anchor, Kind
from service.rules.lifecycle import State
from tests import builders
from tests.builders import NOW, THURSDAY, TODAY, heard

MINE, THEIRS = "+12125550100", "+12125550177"
WEDNESDAY = THURSDAY - timedelta(days=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def made(parts):
    """A member with a guardian who agreed, a reminder a day before, and a question and a check-in after."""
    with parts.open_db() as db:
        place = builders.group(db)
        builders.session(db, place, THURSDAY - timedelta(days=7))
        builders.session(db, place)
        builders.rule(db, place)
        builders.rule(db, place, Kind.REFLECTION, 60, anchor=Anchor.AFTER)
        builders.rule(db, place, Kind.CHECKIN, 24 * 60, anchor=Anchor.AFTER)
        who = builders.member(db, mobile=MINE)
        builders.enrolled(db, place, who, TODAY - timedelta(days=30))
        guardian = builders.companion(db, who)
        plan(db, NOW)
        return who.id, guardian.id


def both(db, made):
    return [db.get_one(Member, one) for one in made]


def planned(db, who, *states):
    rows = db.scalars(select(Delivery).where(Delivery.member_id == who).order_by(Delivery.due_at))
    return [row.kind for row in rows if row.state in (states or (State.SCHEDULED,))]


def reasons(db, who):
    return {row.reason for row in db.scalars(select(Delivery).where(Delivery.member_id == who))}


def send_all(parts, post, clock, at=WEDNESDAY):
    """Whatever is due by then goes out, marked by two workers at once."""
    clock.go_to(at)
    with parts.read_db() as db:
        ids = list(db.scalars(select(Delivery.id).where(Delivery.next_at <= at, Delivery.state == State.SCHEDULED)))
    with ThreadPoolExecutor(2) as workers:
        list(workers.map(lambda _: deliver(post, ids), range(2)))


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


# following the member


def leaves(db, who):
    enrol.leave(db, db.scalars(select(Enrolment)).one(), TODAY, NOW)


def goes_on_leave(db, who):
    enrol.go_away(db, db.scalars(select(Enrolment)).one(), TODAY, None, NOW)


def is_stopped(db, who):
    stop_everything(db, who, "moved away", None, NOW)


def has_no_ground_any_more(db, who):
    who.adult_on = TODAY + timedelta(days=900)
    db.flush()
    plan_member(db, who, NOW)


def is_erased(db, who):
    erase.erase(db, who, None, NOW)


def came_of_age(db, who):
    who.adult_on, who.minor_route = TODAY, MinorRoute.GUARDIAN
    db.flush()
    ask_who_came_of_age(db, NOW)


FOLLOWS = [leaves, goes_on_leave, is_stopped, has_no_ground_any_more, is_erased, came_of_age]
by_name = pytest.mark.parametrize("happens", FOLLOWS, ids=[one.__name__ for one in FOLLOWS])


@by_name
def test_when_the_member_gets_no_more_they_get_no_more(parts, post, texts, clock, made, happens):
    with parts.open_db() as db:
        happens(db, both(db, made)[0])
        assert planned(db, made[1]) == []
    send_all(parts, post, clock)

    assert THEIRS not in [message.to for message in texts.outbox]


@by_name
def test_also_what_was_planned_before_is_stopped_at_the_last_moment(parts, post, texts, clock, made, happens):
    with parts.open_db() as db:
        happens(db, both(db, made)[0])
        for row in db.scalars(select(Delivery).where(Delivery.member_id == made[1])):
            row.state, row.reason = State.SCHEDULED, None  # as though planned in between
    send_all(parts, post, clock)

    assert THEIRS not in [message.to for message in texts.outbox]


def test_with_the_member_their_links_end(parts, made):
    with parts.open_db() as db:
        row = db.scalars(select(Delivery).where(Delivery.member_id == made[1])).one()
        token = links.new_link(db, "message", NOW + timedelta(days=3), member_id=made[1], delivery_id=row.id)
        before = links.follow(db, token, "message", NOW)
        leaves(db, both(db, made)[0])

        assert (before is not None, links.follow(db, token, "message", NOW)) == (True, None)


def test_once_the_member_goes_on_so_do_they(parts, made):
    with parts.open_db() as db:
        who = both(db, made)[0]
        stop_everything(db, who, "in hospital", None, NOW)
        start_again(db, who, "back", None, NOW)

        assert planned(db, made[1]) == [Kind.REMINDER]


def test_a_carer_whom_the_member_chose_goes_on_when_they_come_of_age_and_a_guardian_does_not(parts):
    with parts.open_db() as db:
        who = db.get_one(Member, builders.scene(db, mobile=MINE).member)
        carer = builders.companion(db, who, "Cora Hill", mobile="+12125550188", companion_as=Companion.CARER)
        guardian = builders.companion(db, who)
        who.adult_on, who.minor_route = TODAY, MinorRoute.MINOR
        db.flush()
        plan(db, NOW)
        ask_who_came_of_age(db, NOW)

        assert (planned(db, carer.id), planned(db, guardian.id)) == ([Kind.REMINDER], [])
        assert "come of age" in guardian.stop_reason


# going


def test_deleting_the_carer_leaves_the_member_untouched(parts, post, texts, clock, made):
    def of_member(db):
        who = db.get_one(Member, made[0])
        columns = {name: getattr(who, name) for name in Member.__table__.columns.keys()}  # noqa: SIM118  no dict
        consents = [row.hash for row in db.scalars(select(Consent).where(Consent.member_id == who.id))]
        return columns, consents, planned(db, who.id), [row.left_on for row in db.scalars(select(Enrolment))]

    with parts.read_db() as db:
        before = of_member(db)
    with parts.open_db() as db:
        erase.erase(db, both(db, made)[1], None, NOW)
    with parts.read_db() as db:
        assert of_member(db) == before
        gone = db.get_one(Member, made[1])
        assert (gone.name, gone.reached_for_id, gone.reached_as) == (erase.NAME, None, None)
    send_all(parts, post, clock)

    assert [message.to for message in texts.outbox] == [MINE]


def test_erasing_the_member_erases_who_is_reached_for_them(parts, made):
    with parts.open_db() as db:
        there = erase.count(db, both(db, made)[0], NOW)
        erase.erase(db, both(db, made)[0], None, NOW)

        assert there.companions == 1
        assert [one.erased_at for one in both(db, made)] == [NOW, NOW]


def test_while_something_their_guardian_wrote_needs_a_person_erasure_waits(parts, made):
    with parts.open_db() as db:
        receive(db, Inbound("SM1", THEIRS, "she says she wants to kill herself"), NOW)
        with pytest.raises(erase.NotNow):
            erase.erase(db, both(db, made)[0], None, NOW)


def test_of_two_who_serve_two_members_with_one_phone_the_other_goes_on(parts, post, texts, clock, made):
    with parts.open_db() as db:
        place = db.scalars(select(Group)).one()
        sister = builders.member(db, "Bea Bell", mobile="+12125550155")
        builders.enrolled(db, place, sister)
        other = builders.companion(db, sister)
        plan(db, NOW)
        erase.erase(db, both(db, made)[0], None, NOW)

        assert planned(db, other.id) == [Kind.REMINDER]
    send_all(parts, post, clock)

    assert sorted(message.to for message in texts.outbox) == ["+12125550155", THEIRS]


def test_an_import_does_not_take_them_for_a_member(parts, made):
    csv = b"name,mobile,email\nMaria Holt,212-555-0177,\n"
    with parts.open_db() as db:
        place = db.scalars(select(Group)).one()
        refused = check_members(db, csv, NOW, shared_ok=False, group=place)
        taken = check_members(db, csv, NOW, shared_ok=True, group=place)
        write_members(db, taken.good, NOW, lambda: None, group=place, shared_ok=True)

        assert [error.column for error in refused.errors] == ["mobile"]
        assert len(db.scalars(select(Member)).all()) == 3
        assert made[1] not in db.scalars(select(Enrolment.member_id)).all()


# the tables


@pytest.mark.parametrize(
    ("change", "whose"),
    [
        ("reached_as = 'carer'", "reached_for_id IS NULL"),
        ("reached_as = NULL", "reached_for_id IS NOT NULL"),
        ("reached_for_id = id", "reached_for_id IS NOT NULL"),
    ],
)
def test_the_database_refuses_half_a_companion_and_ones_own(parts, made, change, whose):
    def spoil():
        with parts.open_db() as db:
            db.execute(text(f"UPDATE members SET {change} WHERE {whose}"))

    with pytest.raises(IntegrityError):
        spoil()


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
