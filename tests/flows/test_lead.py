"""Who leads a group reads what its members write: nobody takes that from somebody for themselves."""

import pytest
from sqlalchemy import select

from service.flows import staffing
from service.flows.lead import NotTheirs, lead
from service.models import AuditEntry, Group, Page, Staff
from service.models.alerts import Why
from service.models.practice import Role
from tests import builders
from tests.builders import NOW

NAMES = {
    "ada": Role.ADMIN,
    "eve": Role.ADMIN,
    "cleo": Role.COORDINATOR,
    "lee": Role.FACILITATOR,
    "fay": Role.FACILITATOR,
}


@pytest.fixture
def people(parts):
    with parts.open_db() as db:
        return {name: builders.staff(db, f"{name}@oak.example.org", role).id for name, role in NAMES.items()}


@pytest.fixture
def say(parts, people):
    """`say(by, whom)`: somebody says who leads the group."""
    with parts.open_db() as db:
        group_id = builders.group(db).id

    def say_it(by, whom):
        with parts.open_db() as db:
            chosen = db.get_one(Staff, people[whom]) if whom else None
            lead(db, db.get_one(Group, group_id), chosen, db.get_one(Staff, people[by]), NOW)

    return say_it


def leads(parts, people):
    with parts.read_db() as db:
        leader = db.scalars(select(Group.facilitator_id)).one()
    return next((name for name, one in people.items() if one == leader), None)


def told(parts, people):
    """Who got a mail that something of theirs was changed."""
    with parts.read_db() as db:
        ids = db.scalars(select(Page.staff_id).where(Page.why == Why.ACCESS)).all()
    return sorted(name for told in ids for name, one in people.items() if one == told)


@pytest.mark.parametrize(
    ("by", "was", "whom", "may"),
    [
        ("ada", None, "ada", True),
        ("ada", None, "lee", True),
        ("ada", "lee", "ada", False),
        ("ada", "lee", None, False),
        ("ada", "lee", "fay", True),
        ("ada", "lee", "eve", True),
        ("eve", "lee", "ada", True),
        ("ada", "ada", None, True),
        ("ada", "ada", "lee", True),
        ("cleo", "lee", "ada", True),
        ("cleo", "lee", None, True),
        ("lee", "lee", "ada", True),
        ("lee", "lee", None, True),
        ("fay", "lee", "fay", False),
        ("fay", "lee", "ada", False),
        ("fay", None, "fay", False),
    ],
)
def test_who_may_say_who_leads(parts, people, say, by, was, whom, may):
    if was:
        say("cleo", was)
    if may:
        say(by, whom)
    else:
        with pytest.raises(NotTheirs):
            say(by, whom)

    assert leads(parts, people) == (whom if may else was)


def test_whoever_led_it_is_told_unless_they_said_so_themselves(parts, people, say):
    for by, whom in (("ada", "lee"), ("ada", "lee"), ("eve", "fay"), ("fay", "ada"), ("cleo", None)):
        say(by, whom)

    assert told(parts, people) == ["ada", "lee"]


def test_what_is_refused_changes_and_tells_nothing(parts, people, say):
    say("cleo", "lee")
    with pytest.raises(NotTheirs, match="Ask Lee, the front desk or another administrator"):
        say("ada", "ada")
    with parts.read_db() as db:
        said = db.scalars(select(AuditEntry).where(AuditEntry.action == "facilitator changed")).all()

    assert (len(said), told(parts, people)) == (1, [])


def test_whose_role_or_account_is_changed_is_told(parts, people):
    """Else a group could be left without anybody for a while, by way of its facilitator's account."""
    with parts.open_db() as db:
        lee = db.get_one(Staff, people["lee"])
        staffing.disable(db, lee, NOW, people["ada"])
        staffing.enable(db, lee, NOW, people["ada"])
        staffing.change_role(db, lee, Role.COORDINATOR, NOW, people["ada"])

    assert told(parts, people) == ["lee"] * 3
