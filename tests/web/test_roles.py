"""Who may open what: what role_table.py says and nothing else; what is not one's own is not there."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from service.flows.calls import Cause, add_pages
from service.flows.receive import Inbound, receive
from service.models import Absence, Contact, Enrolment, Flag, Group, Reply, Staff
from service.models.alerts import Outcome, Why
from service.models.base import Base
from service.models.practice import Role
from service.models.sealed import Sealed
from service.web import access
from tests import builders
from tests.builders import NOW
from tests.web.made_groups import GROUP, SEEN
from tests.web.role_table import ON_CALL, TABLE, A, C, F
from tests.web.worlds import ask, routes

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

SERIES = {"sessions.series_form", "sessions.change_series"}
SCOPED = {"Group", "Member", "Enrolment", "GroupSession", "Delivery", "Reply", "CheckIn", "Flag"}
NOT_SHOWN_BY_MEMBER = {
    "Staff",
    "Consent",
    "Invitation",
    "Contact",
    "Page",
    "Wording",
    "Opening",
    "SecondFactor",
    "KeptForm",
    "HandOver",
}
"""Models with sealed words that are reached only through one that is scoped, or that are no member's."""
OF_A_GROUP = {"Agreement"}
"""Reached through the group, which is scoped."""


def test_every_route_of_staff_stands_in_the_table(app):
    endpoints = {rule.endpoint for rule, _ in routes(app)}

    assert endpoints - set(TABLE) == set(), "say in TABLE of tests/web/role_table.py who may open these"
    assert set(TABLE) - endpoints == set(), "these are no more: take them out of TABLE in tests/web/role_table.py"


@pytest.mark.parametrize("role", list(Role))
def test_each_role_opens_what_the_table_says_and_nothing_else(parts, app, own, signed_in, role):
    if role is A:  # what is an administrator's own is what no facilitator has
        with parts.open_db() as db:
            db.get_one(Group, own.values["group_id"]).facilitator_id = None
    client = signed_in(role)
    answers = {rule.endpoint: ask(app, client, rule, how, own).status_code for rule, how in routes(app)}
    missing = {endpoint for endpoint, status in answers.items() if status == 404}
    closed = {endpoint for endpoint, roles in TABLE.items() if role not in roles}

    # the session at hand belongs to no series; whoever may not see today is led to their own front page
    assert missing | SERIES == closed - {"home.today"} | SERIES
    assert [endpoint for endpoint, status in answers.items() if status >= 500] == []


def test_of_another_facilitators_group_nothing_is_there(parts, app, own, other, signed_in):
    with parts.open_db() as db:  # whoever can be called sees what calls
        db.delete(db.get_one(Contact, own.values["contact_id"]))
    client = signed_in(F)
    found = {
        rule.endpoint
        for rule, how in routes(app)
        if set(rule.arguments) & set(access.OWNED) and ask(app, client, rule, how, other).status_code != 404
    }

    assert found == set()


@pytest.mark.parametrize("role", [A, C])
def test_the_office_sees_every_group(app, own, other, signed_in, role):
    page = signed_in(role).get("/groups").text

    assert "group-own" in page
    assert "group-other" in page


@pytest.mark.parametrize("role", [A, C])
def test_the_office_sees_that_replies_wait(own, other, signed_in, role):
    assert "6 replies wait for their facilitators." in signed_in(role).get("/").text


def test_what_belongs_to_no_facilitator_is_read_by_an_administrator(parts, own, signed_in):
    with parts.open_db() as db:
        receive(db, Inbound("SM-stranger", "+12125550300", "words of a stranger"), NOW)
        who = builders.member(db, "Cy", mobile="+12125550400")
        builders.enrolled(db, builders.group(db, "led by nobody"), who)
        receive(db, Inbound("SM-cy", "+12125550400", "words of Cy"), NOW)
    page = signed_in(A).get("/replies").text

    assert "words of a stranger" in page
    assert "words of Cy" in page
    assert "words of a stranger" not in signed_in(F).get("/replies").text


def test_what_speaks_of_danger_is_read_by_an_administrator_until_somebody_has_looked(parts, own, signed_in):
    with parts.open_db() as db:
        receive(db, Inbound("SM-now", "+12125550100", "I want to die"), NOW)
        reply = db.scalars(select(Reply).where(Reply.distress.is_not(None))).one()
    admin = signed_in(A)
    before = admin.get("/replies").text
    with parts.open_db() as db:
        db.get_one(Reply, reply.id).handled_at = NOW

    assert "I want to die" in before
    assert "I want to die" not in admin.get("/replies?show=all").text


def test_what_a_member_writes_after_leaving_a_group_is_not_for_its_facilitator(parts, own, signed_in):
    with parts.open_db() as db:
        db.get_one(Enrolment, own.values["enrolment_id"]).left_on = NOW.date()
        receive(db, Inbound("SM-late", "+12125550100", "words of later"), NOW + timedelta(days=2))
    page = signed_in(F).get("/replies?show=all").text

    assert own.words in page
    assert "words of later" not in page


def test_whoever_is_on_call_comes_to_the_flags(signed_in):
    assert signed_in(ON_CALL).get("/").location == "/flags"


def test_whoever_covers_for_a_facilitator_reads_what_is_theirs_for_those_days(parts, own, other, clock, signed_in):
    with parts.open_db() as db:
        db.add(Absence(staff_id=other.facilitator, cover_id=own.facilitator, first=NOW.date(), last=NOW.date()))
    client = signed_in(F)
    during = client.get("/replies").text
    clock.go(days=1)

    assert other.words in during
    assert other.words not in client.get("/replies").text


def test_a_facilitators_new_group_is_their_own(own, signed_in):
    client = signed_in(F)
    seen = SEEN.search(client.post("/groups/preview", data=GROUP).text)[1]
    client.post("/groups/new", data={**GROUP, "seen": seen, "action": "create"})

    assert GROUP["group"] in client.get("/groups").text


def test_the_office_says_who_leads_a_group(parts, own, other, signed_in):
    group = other.values["group_id"]
    client = signed_in(F)
    before = client.get(f"/groups/{group}").status_code
    office = signed_in(C)
    refused = office.post(f"/groups/{group}/facilitator", data={"facilitator": str(group)}).status_code
    office.post(f"/groups/{group}/facilitator", data={"facilitator": str(own.facilitator)})

    assert (before, refused, client.get(f"/groups/{group}").status_code) == (404, 400, 200)
    assert "lee" not in office.get("/groups").text


def test_an_administrator_makes_themselves_facilitator_of_nobodys_group_alone(parts, own, signed_in):
    group, admin = own.values["group_id"], signed_in(A)
    with parts.read_db() as db:
        me = str(db.scalars(select(Staff.id).where(Staff.role == A)).one())
    for chosen in (me, ""):
        answer = admin.post(f"/groups/{group}/facilitator", data={"facilitator": chosen})
        assert (answer.status_code, "you cannot take it for yourself" in answer.text) == (422, True)
    assert own.words not in admin.get(f"/members/{own.values['member_id']}").text

    with parts.open_db() as db:
        db.get_one(Group, group).facilitator_id = None
    assert admin.post(f"/groups/{group}/facilitator", data={"facilitator": me}).status_code == 302


def test_a_facilitator_gives_their_group_away_and_is_back_at_their_groups(own, other, signed_in):
    lee, group = signed_in(F), own.values["group_id"]
    assert "Who leads this group" in lee.get(f"/groups/{group}").text
    answer = lee.post(f"/groups/{group}/facilitator", data={"facilitator": str(other.facilitator)})

    assert answer.location == "/groups"
    assert lee.get(f"/groups/{group}").status_code == 404


def test_who_may_not_read_a_reply_does_not_handle_it(parts, own, signed_in):
    with parts.open_db() as db:
        receive(db, Inbound("SM-now", "+12125550100", "I want to die"), NOW + timedelta(minutes=1))
        urgent = db.scalars(select(Reply.id).where(Reply.provider_id == "SM-now")).one()
    signed_in(A).post(f"/replies/{urgent}/handled", data={"thread": "1"})

    with parts.read_db() as db:
        handled = {row.text: row.handled_at is not None for row in db.scalars(select(Reply))}
    assert handled == {own.words: False, own.reflection: False, own.flagged: False, "I want to die": True}


def test_the_navigation_offers_only_what_opens(own, signed_in):
    page = signed_in(C).get("/").text

    assert 'href="/replies"' not in page
    assert 'href="/settings"' not in page
    assert 'href="/members"' in page


def test_every_model_with_sealed_words_has_a_scope_or_a_reason_why_not(parts):
    sealed = {
        mapper.class_.__name__
        for mapper in Base.registry.mappers
        if any(isinstance(value, Sealed) for value in vars(mapper.class_).values())
    }

    assert sealed - SCOPED - NOT_SHOWN_BY_MEMBER - OF_A_GROUP == set(), "say in service/flows/scope.py who sees these"


def flag_pages(client, world):
    flag = f"/flags/{world.values['flag_id']}"
    return [client.get(flag).status_code, client.post(f"{flag}/acknowledge").status_code]


def test_a_facilitator_who_is_not_called_sees_the_flags_of_their_own_groups(parts, own, other, signed_in):
    with parts.open_db() as db:
        db.delete(db.get_one(Contact, own.values["contact_id"]))
    lee = signed_in(F)

    assert flag_pages(lee, other) == [404, 404]
    assert "member-other" not in lee.get("/flags").text
    assert flag_pages(lee, own) == [200, 302]


def test_whoever_is_on_the_list_sees_what_is_open_and_not_what_was_closed_without_them(parts, own, other, signed_in):
    lee = signed_in(F)
    while_open = flag_pages(lee, other)
    with parts.open_db() as db:
        for world in (own, other):
            flag = db.get_one(Flag, world.values["flag_id"])
            flag.closed_at, flag.acknowledged_by = NOW, other.facilitator
            flag.closed_by, flag.outcome, flag.quiet_until = other.facilitator, Outcome.SAFE, NOW

    assert while_open == [200, 302]
    assert flag_pages(lee, other) == [404, 404]
    assert flag_pages(lee, own) == [200, 302]


def test_whoever_was_called_for_a_flag_sees_it_also_once_it_is_closed(parts, own, other, signed_in):
    with parts.open_db() as db:
        add_pages(db, Cause(Why.FLAG, other.values["flag_id"]), [db.get_one(Staff, own.facilitator)], NOW)
        flag = db.get_one(Flag, other.values["flag_id"])
        flag.closed_at, flag.closed_by = NOW, other.facilitator
        flag.outcome, flag.quiet_until = Outcome.SAFE, NOW

    assert signed_in(F).get(f"/flags/{other.values['flag_id']}").status_code == 200


def test_while_nobody_is_on_the_list_everybody_sees_what_calls_for_a_person(parts, own, other, signed_in):
    with parts.open_db() as db:
        for contact in db.scalars(select(Contact)):
            db.delete(contact)

    assert flag_pages(signed_in(F), other) == [200, 302]


def test_a_review_is_for_whoever_leads_the_group_and_for_administrators(parts, own, other, signed_in):
    with parts.open_db() as db:
        for world in (own, other):
            db.get_one(Flag, world.values["flag_id"]).is_urgent = False
    lee, on_call, admin = signed_in(F), signed_in(ON_CALL), signed_in(A)

    assert [client.get(f"/flags/{own.values['flag_id']}").status_code for client in (lee, on_call, admin)] == [
        200,
        404,
        200,
    ]
    assert lee.get(f"/flags/{other.values['flag_id']}").status_code == 404


def test_a_facilitator_says_of_themselves_that_they_are_away_and_of_nobody_else(parts, own, other, signed_in):
    days = {"first": f"{NOW:%Y-%m-%d}", "last": f"{NOW:%Y-%m-%d}"}
    lee = signed_in(F)
    grab = {"away_id": other.facilitator, "cover_id": own.facilitator, **days}
    taken = lee.post("/on-call/away", data=grab)
    ended = lee.post(f"/on-call/away/{other.values['absence_id']}/end")
    mine = lee.post("/on-call/away", data={"away_id": own.facilitator, "cover_id": other.facilitator, **days})

    assert (taken.status_code, ended.status_code, mine.status_code) == (422, 404, 302)
    assert "Say it of yourself" in taken.text
    assert other.words not in lee.get("/replies").text


def test_how_a_group_is_watched_is_said_by_whoever_leads_it_or_an_administrator(own, other, signed_in):
    """Staffed asks for two contacts who were reached, and only administrators put them on the list (R82)."""
    ways = {
        role: [client.post(f"/groups/{world.values['group_id']}/safety", data={"safety": "one_way"}).status_code]
        for role, world, client in ((A, other, signed_in(A)), (F, own, signed_in(F)), (C, own, signed_in(C)))
    }

    assert ways == {A: [302], F: [302], C: [404]}
