"""A number that may be another's by now is held, and goes on once staff have asked."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from service.flows import enrol
from service.flows.answer import Inbound
from service.flows.doubt import hold_doubtful, still_theirs
from service.flows.quality import Fault, findings
from service.flows.receive import receive
from service.models import Delivery, Member
from service.models.groups import Came
from service.rules.consent import NumberDoubt, Refusal
from service.rules.lifecycle import State
from tests import builders
from tests.builders import NOW, TODAY

pytestmark = pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)

MOBILE = "+12125550100"
LONG = NOW - timedelta(days=200)


@pytest.fixture
def scene(parts):
    """A member of long standing with a reminder to come."""
    with parts.open_db() as db:
        made = builders.scene(db, mobile=MOBILE)
        db.get_one(Member, made.member).created_at = LONG
        sent(db, made, 1, State.DELIVERED)
        return made


def sent(db, scene, days_ago, state, code=None):
    who = db.get_one(Member, scene.member)
    at = NOW - timedelta(days=days_ago)
    how = {"marked_at": at, "due_at": at, "address_index": who.mobile_index, "error_code": code, "attempts": 1}
    builders.delivery(db, who, state=state, start_revision=days_ago, **how)


def reminder(db, scene):
    row = db.get_one(Delivery, scene.delivery)
    return row.state, row.reason


def heard_of(db):
    receive(db, Inbound("SM1", MOBILE, "see you"), NOW - timedelta(days=179))


def seen(db, scene, days_ago=179):
    meeting = builders.session(db, db.scalars(select(builders.Group)).one(), NOW - timedelta(days=days_ago))
    builders.came(db, meeting, db.get_one(Member, scene.member), Came.CAME)


def test_of_whom_nothing_was_heard_for_180_days_texts_wait(parts, scene):
    with parts.open_db() as db:
        assert hold_doubtful(db, NOW) == 1
        assert reminder(db, scene) == (State.SUPPRESSED, Refusal.NUMBER_DOUBT)
        assert db.get_one(Member, scene.member).number_doubt is NumberDoubt.SILENT


@pytest.mark.parametrize("sign", ["wrote", "came", "is new", "was asked about"])
def test_any_sign_of_life_is_enough(parts, scene, sign):
    with parts.open_db() as db:
        who = db.get_one(Member, scene.member)
        if sign == "wrote":
            heard_of(db)
        elif sign == "came":
            seen(db, scene)
        elif sign == "is new":
            who.created_at = NOW - timedelta(days=179)
        else:
            who.number_checked_at = NOW - timedelta(days=179)
        db.flush()

        assert hold_doubtful(db, NOW) == 0


@pytest.mark.parametrize(
    ("states", "is_held"),
    [
        ([(State.UNDELIVERED, "30003"), (State.UNDELIVERED, "30003")], True),
        ([(State.UNDELIVERED, "30003")], False),
        ([(State.UNDELIVERED, "30003"), (State.DELIVERED, None), (State.UNDELIVERED, "30003")], False),
        ([(State.UNDELIVERED, "30003"), (State.UNDELIVERED, "30007")], False),
    ],
)
def test_two_texts_in_a_row_that_find_no_phone_are_one_too_many(parts, scene, states, is_held):
    with parts.open_db() as db:
        heard_of(db)
        db.execute(builders.Delivery.__table__.delete().where(Delivery.state == State.DELIVERED))
        for days, (state, code) in enumerate(states, 2):
            sent(db, scene, days, state, code)

        assert hold_doubtful(db, NOW) == is_held


def test_once_staff_have_asked_texts_go_on_and_it_is_not_asked_again_at_once(parts, scene):
    with parts.open_db() as db:
        lee = builders.staff(db).id
        hold_doubtful(db, NOW)
        freed = still_theirs(db, db.get_one(Member, scene.member), lee, NOW)

        assert (freed, reminder(db, scene)[0]) == (True, State.SCHEDULED)
        assert hold_doubtful(db, NOW) == 0
        assert not still_theirs(db, db.get_one(Member, scene.member), lee, NOW)


def test_a_new_number_is_in_no_doubt(parts, scene):
    with parts.open_db() as db:
        hold_doubtful(db, NOW)
        who = db.get_one(Member, scene.member)
        person = enrol.Person(who.name, "+12125550177", "", who.choice, "en", who.time_zone)
        enrol.change(db, who, person, "staff", NOW)

        assert who.number_doubt is None


def test_the_list_of_what_is_amiss_names_them(parts, scene):
    with parts.open_db() as db:
        hold_doubtful(db, NOW)

        assert (Fault.DOUBT, scene.member) in [(one.fault, one.member.id) for one in findings(db, TODAY, NOW)]


def test_whoever_is_not_texted_is_not_asked_about(parts, scene):
    with parts.open_db() as db:
        assert hold_doubtful(db, NOW + timedelta(days=100)) == 0
