"""Staff are told by mail of what happens to their own account, and of what is opened that is theirs to read."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from service.channels import NotAccepted
from service.flows import recovery, second_factor, staffing
from service.flows.break_glass import break_glass
from service.flows.check_password import check_password
from service.flows.escalate import escalate, is_anything_due
from service.models import Contact, Page, Staff
from service.models.alerts import PageState
from service.models.practice import Role
from tests import builders
from tests.builders import NOW
from tests.flows.test_second_factor import app_of

PASSWORD = "seven calm blue rivers"
EMAIL = "dana@oak.example.org"
MACHINE = NOW + timedelta(days=400)
"""Sign-ins go by the machine's clock, which may be far from the practice's."""


@pytest.fixture
def dana(parts):
    with parts.open_db() as db:
        row = staffing.add_staff(db, EMAIL, "Dana", Role.FACILITATOR, NOW, PASSWORD)
        db.add(Contact(staff_id=row.id, position=0, days=[], mobile="+12125550199"))
        return row.id


def told(parts, post, mails, do):
    """The subjects of the mails that follow what is done, to Dana and to nobody else."""
    with parts.open_db() as db:
        do(db, db.scalars(Staff.with_email(db.scalars(select(Staff.email_index)).first())).one())
    escalate(post)
    assert {mail.to for mail in mails.outbox} <= {EMAIL}
    return [mail.subject for mail in mails.outbox]


def test_a_new_password_is_told_to_whoevers_it_is_by_mail_alone(parts, post, texts, mails, dana):
    change = lambda db, who: staffing.change_password(db, who, "eight loud green rivers", MACHINE)  # noqa: E731

    assert told(parts, post, mails, change) == ["Your password was changed"]
    assert texts.outbox == []
    assert mails.outbox[0].text.endswith("Your account: https://groups.example.org/account")
    assert "/cannot>" in mails.outbox[0].headers["List-Unsubscribe"]


def test_the_first_password_of_an_account_is_no_news(parts, post, mails, dana):
    def first(db, who):
        who.password_hash = None
        staffing.change_password(db, who, PASSWORD, MACHINE)

    assert told(parts, post, mails, first) == []


def test_each_change_of_the_second_step_is_told_once(parts, post, mails, dana):
    def change(db, who):
        app, _ = app_of(db, who, MACHINE)
        codes = second_factor.renew_codes(db, who, MACHINE)
        assert recovery.take(db, who, codes[0], MACHINE)
        second_factor.remove(db, app, who, MACHINE, is_live=False)
        second_factor.remove_all(db, who, MACHINE)

    assert told(parts, post, mails, change) == [
        "A second step was added",
        "New codes for a lost phone",
        "A code for a lost phone was used",
        "A second step was removed",
        "A second step was removed",
    ]


@pytest.mark.parametrize(("failures", "subjects"), [(4, []), (5, ["Signed in after wrong passwords"])])
def test_the_right_password_after_several_wrong_ones_is_told(parts, post, mails, dana, failures, subjects):
    for password in ["another long password"] * failures + [PASSWORD]:
        found = check_password(parts.open_db, EMAIL, password, "203.0.113.9", MACHINE)
    escalate(post)

    assert found.staff_id == dana
    assert [mail.subject for mail in mails.outbox] == subjects


def test_where_no_mail_leaves_the_change_stands_and_the_mail_is_given_up_in_the_end(parts, post, mails, dana):
    mails.send = lambda message: (_ for _ in ()).throw(NotAccepted("no key"))
    with parts.open_db() as db:
        staffing.change_password(db, db.get_one(Staff, dana), "eight loud green rivers", MACHINE)
    for _ in range(9):
        post.clock.go(minutes=1)
        escalate(post)

    assert check_password(parts.open_db, EMAIL, "eight loud green rivers", "", MACHINE).staff_id == dana
    with parts.read_db() as db:
        assert db.scalars(select(Page.state)).all() == [PageState.FAILED]
        assert not is_anything_due(db, post.clock())


def test_whoever_leads_the_group_gets_a_mail_without_a_name_when_an_administrator_opens_what_is_theirs(
    parts, post, texts, mails
):
    with parts.open_db() as db:
        admin, lee = builders.staff(db, "boss@oak.example.org", Role.ADMIN), builders.staff(db, "lee@oak.example.org")
        group, member = builders.group(db), builders.member(db, "Anna Bell", mobile="+12125550100")
        group.facilitator_id, name = lee.id, group.name
        builders.enrolled(db, group, member)
        break_glass(db, admin, member, "A complaint of 4 January", (NOW, MACHINE))
    escalate(post)

    assert [(mail.to, mail.subject) for mail in mails.outbox] == [("lee@oak.example.org", "Replies were opened")]
    assert not [word for word in ("Anna", "complaint", name) if word in mails.outbox[0].text]
    assert mails.outbox[0].text.endswith("https://groups.example.org/")
    assert texts.outbox == []
