"""What a form names and is not one's own is not there for the form either; what follows from it follows everywhere."""

import pytest
from flask import g
from sqlalchemy import select, update

from service.flows.scope import narrow, scope
from service.models import Delivery, Enrolment, Group, GroupSession, Member, Reply, Staff
from service.models.practice import Role
from service.rules.kinds import Kind
from service.rules.lifecycle import State
from tests import builders
from tests.builders import NOW
from tests.web.made_groups import GROUP, SEEN
from tests.web.role_table import F

pytestmark = pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)

OWNED = {Group: "group_id", GroupSession: "session_id", Member: "member_id", Enrolment: "enrolment_id"}
OWNED |= {Delivery: "delivery_id", Reply: "reply_id"}


@pytest.fixture
def as_lee(app, parts, own):
    """What a view of theirs opens."""
    with parts.read_db() as db:
        lee = db.get_one(Staff, own.facilitator)
    with app.test_request_context():
        g.scope = scope(lee, NOW.date(), parts.machine_clock())
        yield app.extensions["parts"].open_db


@pytest.mark.parametrize("model", list(OWNED))
def test_of_anothers_nothing_is_found_in_a_form(own, other, as_lee, model):
    with as_lee() as db:
        found = [db.get(model, world.values[OWNED[model]]) is not None for world in (own, other)]
        listed = set(db.scalars(select(model.id)))

    assert found == [True, False]
    assert other.values[OWNED[model]] not in listed


def test_of_anothers_nothing_is_changed(parts, own, other, as_lee):
    with as_lee() as db:
        db.execute(update(Member).values(language="es"))
        db.execute(update(Delivery).values(reason="x"))

    with parts.read_db() as db:
        assert [db.get_one(Member, world.values["member_id"]).language for world in (own, other)] == ["es", "en"]
        assert [db.get_one(Delivery, world.values["delivery_id"]).reason for world in (own, other)] == ["x", None]


@pytest.fixture
def both(parts, own, other):
    """The member of the other group is in this one, too."""
    with parts.open_db() as db:
        who = db.get_one(Member, other.values["member_id"])
        builders.enrolled(db, db.get_one(Group, own.values["group_id"]), who)
    return f"/members/{other.values['member_id']}"


def theirs(parts, other):
    with parts.read_db() as db:
        return db.get_one(Delivery, other.values["delivery_id"])


def test_what_is_stopped_for_a_member_is_stopped_in_every_group(parts, other, both, signed_in):
    signed_in(F).post(f"{both}/everything", data={"to": "stop", "reason": "They died"})

    assert theirs(parts, other).state is State.SUPPRESSED


def test_a_new_number_has_agreed_to_nothing_in_any_group(parts, other, both, signed_in):
    form = {"name": "Bo", "mobile": "+12125550999", "email": "", "channel": "sms", "language": "en", "may_text": "1"}
    assert signed_in(F).post(f"{both}/contact", data=form).status_code == 302

    assert theirs(parts, other).state is not State.SCHEDULED


def test_a_number_of_another_group_is_known_when_it_is_given_to_somebody_else(own, other, signed_in):
    form = {"name": "Bo", "mobile": "+12125550200", "email": "", "channel": "sms", "language": "en", "may_text": "1"}
    answer = signed_in(F).post(f"/members/{own.values['member_id']}/contact", data=form)

    assert answer.status_code == 422
    assert "Another member has this number" in answer.text


def test_a_member_of_another_group_who_is_added_here_is_the_same_member(parts, own, other, signed_in):
    pasted = "member-other, +12125550200, mail-other@example.org"
    signed_in(F).post(f"/groups/{own.values['group_id']}/members", data={"pasted": pasted})

    with parts.read_db() as db:
        assert len(db.scalars(select(Member)).all()) == 2
        assert len(db.scalars(Enrolment.of_group(own.values["group_id"])).all()) == 2


def test_the_name_of_anothers_group_is_taken(own, other, signed_in):
    lee, form = signed_in(F), {**GROUP, "group": "group-other"}
    seen = SEEN.search(lee.post("/groups/preview", data=form).text)[1]
    answer = lee.post("/groups/new", data={**form, "seen": seen, "action": "create"})

    assert answer.status_code == 422
    assert "There is a group of this name already" in answer.text


def written(staff, where, words, **more):
    given = {"words": words, "when": "now", "confirmed": "1", **more}
    assert staff.post(f"{where}/message", data=given, follow_redirects=True).status_code == 200


def test_what_another_group_was_written_is_not_there_for_who_does_not_lead_it(parts, own, other, both, signed_in):
    admin = signed_in(Role.ADMIN)
    written(admin, f"/groups/{own.values['group_id']}", "Use the front door.")
    written(admin, f"/groups/{other.values['group_id']}", "Use the side door.")
    written(admin, both, "Bring your glasses.")
    with parts.read_db() as db:
        narrow(db, scope(db.get_one(Staff, own.facilitator), NOW.date(), NOW))
        seen = [row.body for row in db.scalars(select(Delivery).where(Delivery.kind == Kind.NOTE))]

    assert set(seen) == {"Use the front door.", "Bring your glasses."}


def test_nor_does_its_row_stand_in_their_log_or_behind_its_address(parts, own, other, both, signed_in):
    admin, lee = signed_in(Role.ADMIN), signed_in(Role.FACILITATOR)
    before = lee.get("/log").text.count("<tr")
    written(admin, f"/groups/{other.values['group_id']}", "Use the side door.")
    with parts.read_db() as db:
        key = db.scalars(select(Delivery.id).where(Delivery.kind == Kind.NOTE)).first()

    assert lee.get("/log").text.count("<tr") == before
    assert (lee.get(f"/queue/{key}").status_code, admin.get(f"/queue/{key}").status_code) == (404, 200)
