"""Who is reached for a member gets no more when the member does not, and goes with them or alone."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from service.flows import enrol, erase, links
from service.flows.answer import Inbound
from service.flows.hold import start_again, stop_everything
from service.flows.import_file import check_members, write_members
from service.flows.of_age import ask_who_came_of_age
from service.flows.plan import plan, plan_member
from service.flows.receive import receive
from service.models import Consent, Delivery, Enrolment, Group, Member
from service.rules.consent import Companion, MinorRoute
from service.rules.kinds import Kind
from service.rules.lifecycle import State
from tests import builders
from tests.builders import NOW, TODAY
from tests.flows.companions.conftest import MINE, THEIRS, both, planned, send_all

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
