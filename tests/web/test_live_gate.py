"""Live, a group is asked for words only where somebody could be called: pages refuse it, or say so in red."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from service.app import create_app
from service.flows import schedule, sign_ins, staffing
from service.models import Contact, Rule, SecondFactor
from service.models.groups import Safety
from service.models.practice import Role
from service.models.second_factors import Factor
from service.rules.kinds import Kind
from service.settings import Mode
from tests import builders
from tests.builders import NOW
from tests.web.conftest import EMAIL
from tests.web.made_groups import GROUP, SEEN

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

RED = "Nobody would be called"


def office(parts, mode):
    """A browser of an administrator where the service runs in this mode."""
    made = replace(parts, settings=replace(parts.settings, mode=mode))
    with parts.open_db() as db:
        row = staffing.add_staff(db, EMAIL, "Dana Whitlock", Role.ADMIN, NOW)
        db.add(SecondFactor(staff_id=row.id, kind=Factor.APP, created_at=NOW, confirmed_at=NOW))
        token = sign_ins.start(db, row.id, parts.machine_clock())
    app = create_app(made)
    client = app.test_client()
    client.set_cookie("staff", token)
    app.config.update(WTF_CSRF_ENABLED=False, TRUSTED_HOSTS=["localhost"])
    return client


@pytest.fixture
def live(parts):
    return office(parts, Mode.LIVE)


@pytest.fixture
def group(parts):
    with parts.open_db() as db:
        return schedule.add_group(db, builders.about(), builders.weekly(count=4), NOW).id


def answered_a_test(parts, days_ago=1):
    with parts.open_db() as db:
        one = builders.staff(db, "oncall@oak.example.org", Role.ONCALL)
        db.add(Contact(staff_id=one.id, position=0, days=[], tested_at=NOW - timedelta(days=days_ago)))


def new_group(live):
    seen = SEEN.search(live.post("/groups/preview", data=GROUP).text)[1]
    return {**GROUP, "seen": seen, "action": "create"}


def questions(parts):
    with parts.read_db() as db:
        return [rule.is_on for rule in db.scalars(select(Rule).where(Rule.kind == Kind.REFLECTION))]


@pytest.mark.parametrize("page", ["messages", "safety"])
@pytest.mark.parametrize(("days_ago", "is_red"), [(None, True), (31, True), (29, False)])
def test_a_group_that_nobody_watches_says_so_in_red(parts, live, group, page, days_ago, is_red):
    if days_ago is not None:
        answered_a_test(parts, days_ago)

    assert (RED in live.get(f"/groups/{group}/{page}").text) == is_red


@pytest.mark.parametrize("change", [{"safety": Safety.ONE_WAY}, {"is_on": False}])
def test_a_group_that_is_asked_for_nothing_needs_nobody(parts, live, group, change):
    with parts.open_db() as db:
        row = db.get_one(builders.Group, group)
        about = row if "safety" in change else next(rule for rule in row.rules if rule.kind is Kind.REFLECTION)
        for name, value in change.items():
            setattr(about, name, value)

    assert RED not in live.get(f"/groups/{group}/messages").text


def test_in_practice_mode_nothing_is_red(parts, group):
    assert RED not in office(parts, Mode.PRACTICE).get(f"/groups/{group}/messages").text


def test_a_new_group_starts_without_its_question(parts, live):
    page = live.post("/groups/new", data=new_group(live), follow_redirects=True).text

    assert questions(parts) == [False]
    assert "Its reflection question is off" in page


def test_with_somebody_to_call_it_starts_with_it(parts, live):
    answered_a_test(parts)
    live.post("/groups/new", data=new_group(live))

    assert questions(parts) == [True]


def test_a_one_way_group_is_not_opened_to_questions_that_nobody_reads(parts, live, group):
    with parts.open_db() as db:
        db.get_one(builders.Group, group).safety = Safety.ONE_WAY
    refused = live.post(f"/groups/{group}/safety", data={"safety": "unmonitored"})
    answered_a_test(parts)
    taken = live.post(f"/groups/{group}/safety", data={"safety": "unmonitored"})

    assert (refused.status_code, 'href="#f-safety"' in refused.text, taken.status_code) == (422, True, 302)


def test_the_checklist_counts_the_groups(parts, live, group):
    before = live.get("/settings/providers").text
    answered_a_test(parts)

    assert "1 group is to be asked for words" in before
    assert "asked for words" not in live.get("/settings/providers").text


def test_the_home_page_says_that_questions_wait(parts, live, group):
    before = live.get("/").text
    answered_a_test(parts)

    assert "Reflection questions wait" in before
    assert "Reflection questions wait" not in live.get("/").text
