"""A thread is handed to a colleague: who reads it then, how it shows, who is told, and how it ends."""

from datetime import timedelta

import pytest
from sqlalchemy import delete, select

from service.flows import sign_ins
from service.flows.answer import Inbound
from service.flows.nudge import nudge
from service.flows.receive import receive
from service.models import Absence, AuditEntry, Page, Reply, Staff
from service.models.practice import Role
from tests import builders
from tests.builders import NOW

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def lee(signed_in):
    """The facilitator of `own`."""
    return signed_in(Role.FACILITATOR)


@pytest.fixture
def colleague(app, parts, other):
    """The facilitator of the other group."""
    return browser_of(app, parts, other.facilitator)


def browser_of(app, parts, staff_id):
    with parts.open_db() as db:
        token = sign_ins.start(db, staff_id, parts.machine_clock())
    client = app.test_client()
    client.set_cookie("staff", token)
    return client


def path(own, end=""):
    return f"/replies/{own.values['reply_id']}/hand-over{end}"


def hand(client, own, to, note="Please call her."):
    return client.post(path(own), data={"to": str(to.facilitator), "note": note})


def test_the_page_shows_what_waits_and_who_could_take_it(own, other, lee):
    page = lee.get(path(own)).text

    assert own.words in page
    assert f'value="{other.facilitator}"' in page
    assert f'value="{own.facilitator}"' not in page


def test_where_nobody_else_may_read_it_the_page_says_how_somebody_can(parts, own, other, lee):
    with parts.open_db() as db:
        for one in db.scalars(select(Staff).where(Staff.id != own.facilitator)):
            one.disabled_at = NOW

    assert "An administrator can add a facilitator." in lee.get(path(own)).text


def test_from_then_on_both_read_it_and_each_is_told_so(own, other, lee, colleague):
    before = colleague.get("/replies").text
    hand(lee, own, other)
    mine, theirs = lee.get("/replies").text, colleague.get("/replies").text

    assert own.words not in before
    assert own.words in mine
    assert own.words in theirs
    assert "With Lee" in mine
    assert "Handed to you" in theirs
    assert "Please call her." in theirs


def test_the_holder_may_write_to_the_member_and_reads_nothing_else_of_theirs(own, other, lee, colleague):
    member = f"/members/{own.values['member_id']}"
    before = colleague.get(member).status_code
    hand(lee, own, other)
    page = colleague.get(member)

    assert (before, page.status_code, colleague.get(f"{member}/message").status_code) == (404, 200, 200)
    assert own.score not in page.text
    assert f"group-{own.name}" not in page.text


def test_once_it_is_handled_the_holder_reads_it_no_more(own, other, lee, colleague):
    hand(lee, own, other)
    colleague.post(f"/replies/{own.values['reply_id']}/handled", data={"thread": "1"})
    pages = [colleague.get("/replies").text, colleague.get("/replies?show=handled").text]

    assert not any(own.words in page for page in pages)
    assert colleague.get(f"/members/{own.values['member_id']}").status_code == 404
    assert own.words in lee.get("/replies?show=handled").text


def test_what_comes_meanwhile_goes_along_and_what_comes_after_does_not(parts, own, other, lee, colleague):
    hand(lee, own, other)
    write(parts, "SM-meanwhile", "one more thing")
    meanwhile = colleague.get("/replies").text
    lee.post(f"/replies/{last(parts)}/handled", data={"thread": "1"})
    write(parts, "SM-after", "another week")

    assert "one more thing" in meanwhile
    assert "another week" not in colleague.get("/replies").text


def write(parts, sid, words):
    with parts.open_db() as db:
        receive(db, Inbound(sid, "+12125550100", words), NOW + timedelta(minutes=5))


def last(parts):
    with parts.read_db() as db:
        return db.scalars(select(Reply.id).where(Reply.provider_id == "SM-meanwhile")).one()


@pytest.mark.parametrize("who", ["lee", "colleague"])
def test_either_may_end_it(request, own, other, lee, colleague, who):
    hand(lee, own, other)
    request.getfixturevalue(who).post(path(own, "/back"))

    assert own.words in lee.get("/replies").text
    assert own.words not in colleague.get("/replies").text


def test_it_is_on_record_about_whom_and_to_whom(parts, own, other, lee):
    hand(lee, own, other)
    lee.post(path(own, "/back"))
    with parts.read_db() as db:
        rows = db.scalars(select(AuditEntry).where(AuditEntry.object_id == str(own.values["member_id"]))).all()

    found = {row.action: row.details for row in rows}
    assert found["thread handed over"]["to"] == str(other.facilitator)
    assert "hand-over ended" in found
    assert "Please" not in str(found)


def test_the_colleague_is_told_at_once_and_again_when_it_waits_for_too_long(parts, own, other, lee):
    hand(lee, own, other)
    with parts.open_db() as db:
        at_once = set(db.scalars(select(Page.staff_id)))
        db.execute(delete(Page))
        db.execute(delete(Absence))
        nudge(db, NOW + timedelta(hours=25))
        # the other group's own replies wait as well: only Lee must not be told
        later = set(db.scalars(select(Page.staff_id)))

    assert (at_once, later) == ({other.facilitator}, {other.facilitator})


def test_whoever_covers_for_the_holder_holds_it(app, parts, own, other, lee):
    with parts.open_db() as db:
        cover = builders.staff(db, "cover@oak.example.org").id
        db.execute(delete(Absence))
        db.add(Absence(staff_id=other.facilitator, cover_id=cover, first=NOW.date(), last=NOW.date()))
    hand(lee, own, other)

    assert own.words in browser_of(app, parts, cover).get("/replies").text


@pytest.mark.parametrize(
    ("form", "at"),
    [({}, "to"), ({"to": "nobody"}, "to"), ({"to": "", "note": "x" * 501}, "note"), ({"note": "a\x00b"}, "note")],
)
def test_nobody_and_too_many_words_are_errors_at_their_field(own, other, lee, form, at):
    answer = lee.post(path(own), data=form)

    assert (answer.status_code, f'href="#f-{at}"' in answer.text) == (422, True)


def test_a_thread_that_was_handled_meanwhile_is_handed_to_nobody(own, other, lee, colleague):
    lee.post(f"/replies/{own.values['reply_id']}/handled", data={"thread": "1"})
    lee.post(path(own), data={"to": str(other.facilitator)})

    assert "Nothing waits any more" in lee.get(path(own)).text


def test_a_thread_of_another_group_is_not_there(own, other, lee):
    of_other = other.values["reply_id"]

    assert lee.get(f"/replies/{of_other}/hand-over").status_code == 404
    assert lee.post(f"/replies/{of_other}/hand-over", data={"to": str(other.facilitator)}).status_code == 404


def test_a_strangers_words_can_be_handed_over_too(parts, own, other, signed_in, colleague):
    admin = signed_in(Role.ADMIN)
    with parts.open_db() as db:
        receive(db, Inbound("SM-stranger", "+12125550999", "who are you people"), NOW)
        reply = db.scalars(select(Reply.id).where(Reply.provider_id == "SM-stranger")).one()
    before = colleague.get("/replies").text
    admin.post(f"/replies/{reply}/hand-over", data={"to": str(other.facilitator)})

    assert "who are you people" not in before
    assert "who are you people" in colleague.get("/replies").text


def test_opting_out_from_a_thread_brings_its_words_and_its_day_along(own, lee):
    page = lee.get(f"/members/{own.values['member_id']}/consent?reply={own.values['reply_id']}").text

    assert f">\n{own.words}</textarea>" in page
    assert 'value="2027-01-04"' in page.partition('id="stop"')[2]


@pytest.mark.parametrize("asked", ["", "nonsense", "00000000-0000-0000-0000-000000000000"])
def test_without_a_reply_of_theirs_the_form_is_empty(own, other, lee, asked):
    theirs = asked or str(other.values["reply_id"])
    page = lee.get(f"/members/{own.values['member_id']}/consent?reply={theirs}")

    assert (page.status_code, "words-" in page.text) == (200, False)
