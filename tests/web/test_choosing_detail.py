"""Texts that name the group and the place: chosen on the member's page or put on record, and taken back as easily."""

import json
import re

import pytest
from sqlalchemy import select

from service.flows.links import new_link
from service.flows.standing import standing
from service.models import Consent, Group, Member, Staff
from service.rules.consent import Channel, Choice, Purpose
from service.rules.lifecycle import State
from tests import builders
from tests.builders import NOW
from tests.web.conftest import TOKEN
from tests.web.made_groups import has_error_at

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

BOX = 'name="purpose_detailed"'
SENTENCE = "Put the name and the place in my reminders by text."
SAMPLE = (
    "Oak St Office: Thursday group meets Thu Jan 7 at 6:30 PM, Room 2. "
    "Reply C to confirm or X if you can't come. Reply STOP to end."
)
ON_PAPER = {
    "purpose_detailed": "1",
    "channel_sms": "1",
    "method": "paper",
    "consent_on": "2027-01-03",
    "wording": "Name my group.",
    "kept_at": "Folder 12",
}


@pytest.fixture
def key(parts):
    """A member of a group that meets on Thursday, who agreed to reminders by text."""

    def make(**given):
        with parts.open_db() as db:
            scene = builders.scene(db, **{"agrees": [Purpose.REMINDER], **given})
            return scene.member

    return make


def link(parts, key):
    with parts.open_db() as db:
        return f"/opt-in/{new_link(db, 'opt_in', None, member_id=key)}"


def press(client, path, to="", **form):
    return client.post(path + to, data={"csrf_token": TOKEN.search(client.get(path).text)[1], **form})


def wants(parts, key):
    with parts.read_db() as db:
        who = db.get_one(Member, key)
        return standing(db, who).wants_detail(who.mobile_index)


def rows_of(parts):
    with parts.read_db() as db:
        return db.scalars(select(Consent).order_by(Consent.seq)).all()


def plain(page):
    return page.text.replace("&#39;", "'")


def test_the_page_shows_an_empty_box_beside_the_very_text(parts, client, key):
    page = client.get(link(parts, key()))

    assert SAMPLE in plain(page)
    assert SENTENCE in page.text
    assert re.search(rf"<input[^>]*{BOX}[^>]*>", page.text)
    assert not re.search(rf"<input[^>]*{BOX}[^>]*checked", page.text)


def test_the_text_stands_there_in_the_language_in_which_it_will_come(parts, client, key):
    page = client.get(link(parts, key(language="es")) + "?lang=en")

    assert SENTENCE in page.text
    assert "Thursday group, jue 7 ene a las 6:30 PM, Room 2." in page.text


def test_the_page_for_everybody_shows_a_group_that_is_not(client):
    page = client.get("/opt-in")

    assert BOX in page.text
    assert "Thursday Circle meets Wed Dec 30" in page.text


def test_nothing_of_it_is_on_the_page_where_no_such_text_can_go(parts, client, key):
    who = key()
    with parts.open_db() as db:
        db.scalars(select(Group)).one().place = ""
    path = link(parts, who)
    page = press(client, path, purpose_detailed="1")

    assert BOX not in page.text
    assert not wants(parts, who)


def test_a_tick_is_kept_with_the_words_their_version_and_the_sample(parts, client, key):
    who = key()
    page = press(client, link(parts, who), purpose_detailed="1", lang="en")
    row = rows_of(parts)[-1]

    assert (page.status_code, wants(parts, who)) == (200, True)
    assert (row.channel, row.purpose, row.method, row.taken_by) == (Channel.SMS, Purpose.DETAILED, "page", "member")
    assert row.wording.startswith(f"By text\n{SENTENCE}")
    assert (len(row.version), row.language) == (12, "en")
    proof = json.loads(row.proof)
    assert proof["sample"].splitlines()[0] == SAMPLE
    assert (proof["legal ground"], proof["page"]) == ("consent of its own for each purpose", "/opt-in")


def test_who_gets_no_reminders_by_text_is_asked_to_tick_them_too(parts, client):
    with parts.open_db() as db:
        person = builders.member(db, email="anna@example.org", choice=Choice.BOTH, agrees=())
        place = builders.group(db)
        builders.session(db, place)
        builders.enrolled(db, place, person)
        who = person.id
    path = link(parts, who)
    alone = press(client, path, purpose_detailed="1")
    by_mail = press(client, path, purpose_detailed="1", purpose_reminder="1", channel_email="1")

    assert [(page.status_code, has_error_at(page, "purpose_detailed")) for page in (alone, by_mail)] == [
        (422, True)
    ] * 2
    assert rows_of(parts) == []


def test_a_number_that_has_not_said_start_is_asked_first(parts, client, twilio):
    with parts.open_db() as db:
        person = builders.member(db, mobile="+12125550100", agrees=())
        place = builders.group(db)
        builders.session(db, place)
        builders.enrolled(db, place, person)
        who = person.id
    press(client, link(parts, who), purpose_detailed="1", purpose_reminder="1")
    before = wants(parts, who)
    twilio.said("+12125550100", "START")

    assert (before, wants(parts, who)) == (False, True)
    assert json.loads(rows_of(parts)[-1].proof)["sample"].splitlines()[0] == SAMPLE


def test_it_is_taken_back_on_the_same_page_with_one_press(parts, client, key):
    who = key()
    path = link(parts, who)
    press(client, path, purpose_detailed="1")
    chosen = client.get(path)
    pages = [press(client, path, "/discreet") for _ in range(2)]

    assert "You chose reminders with the name and the place." in chosen.text
    assert BOX not in chosen.text
    assert all("no longer say the name or the place" in page.text for page in pages)
    assert BOX in pages[0].text
    assert not wants(parts, who)
    assert [(row.is_yes, row.purpose) for row in rows_of(parts)][-2:] == [(True, "detailed"), (False, "detailed")]


def test_looking_at_it_changes_nothing(parts, client, key):
    who = key()
    path = link(parts, who)
    for _ in range(3):
        client.get(path)
        assert client.get(f"{path}/discreet").status_code == 405

    assert not wants(parts, who)
    assert len(rows_of(parts)) == 1


@pytest.fixture
def from_mail(parts, client):
    """The consent page as whoever reads the member's mail comes to it."""

    def follow(who):
        with parts.open_db() as db:
            row = builders.delivery(db, db.get_one(Member, who), state=State.DELIVERED, channel=Channel.EMAIL)
            row.body = "The words of the mail."
            path = f"/me/{new_link(db, 'message', None, member_id=who, delivery_id=row.id)}"
        return press(client, path, "/choices").headers["Location"]

    return follow


NAMES = ("Room 2", "Thursday group", "Thursday grief group")


@pytest.mark.parametrize("has_chosen", [False, True])
def test_whoever_reads_the_members_mail_learns_no_group_and_no_place(parts, client, key, from_mail, has_chosen):
    who = key(email="anna@example.org", choice=Choice.BOTH)
    if has_chosen:
        press(client, link(parts, who), purpose_detailed="1")
    page = plain(client.get(from_mail(who)))

    assert [name for name in NAMES if name in page] == []
    assert ("call the office: 212-555-0199" in page, "Take the name and place out" in page) == (
        not has_chosen,
        has_chosen,
    )


def test_nor_can_they_choose_it_there_but_they_can_take_it_back(parts, client, key, from_mail):
    who = key(email="anna@example.org", choice=Choice.BOTH)
    path = from_mail(who)
    press(client, path, purpose_detailed="1")
    by_mail = wants(parts, who)
    press(client, link(parts, who), purpose_detailed="1")
    by_hand = wants(parts, who)
    press(client, path, "/discreet")

    assert (by_mail, by_hand, wants(parts, who)) == (False, True, False)


def test_where_no_text_can_name_a_group_the_office_is_not_offered(parts, client, key, from_mail):
    who = key(email="anna@example.org", choice=Choice.BOTH)
    with parts.open_db() as db:
        db.scalars(select(Group)).one().place = ""

    assert "call the office" not in client.get(from_mail(who)).text


@pytest.mark.parametrize("to", ["/discreet", ""])
def test_a_link_that_is_gone_takes_nothing_back_and_gives_nothing(parts, client, key, to):
    who = key()
    token = TOKEN.search(client.get(link(parts, who)).text)[1]

    assert client.post(f"/opt-in/nonsense{to}", data={"csrf_token": token}).status_code == 404


# staff


def test_staff_put_it_on_record_with_the_text_that_was_shown(parts, staff, key):
    who = key()
    shown = plain(staff.get(f"/members/{who}/consent"))
    answer = staff.post(f"/members/{who}/consent", ON_PAPER)
    row = rows_of(parts)[-1]

    assert SAMPLE in shown
    assert shown.count(SENTENCE) == 1  # among the words that can be read out
    assert (answer.status_code, wants(parts, who)) == (302, True)
    assert (row.method, row.purpose, row.wording) == ("paper", "detailed", "Name my group.")
    assert json.loads(row.proof)["sample"].splitlines()[0] == SAMPLE
    assert "name group and place" not in shown
    assert "reminders by text name the group and the place" in staff.get(f"/members/{who}").text


def test_a_mail_is_never_put_on_record_with_it(parts, staff, key):
    who = key(email="anna@example.org", choice=Choice.BOTH)
    staff.post(f"/members/{who}/consent", {**ON_PAPER, "channel_email": "1", "purpose_checkin": "1"})

    assert [row.channel for row in rows_of(parts) if row.purpose is Purpose.DETAILED] == [Channel.SMS]


@pytest.mark.parametrize("change", [{"channel_sms": "", "channel_email": "1"}, {"place": ""}, {"agrees": ()}])
def test_what_cannot_be_is_an_error_at_the_box(parts, staff, key, change):
    with parts.open_db() as db:
        person = builders.member(db, agrees=change.get("agrees", [Purpose.REMINDER]))
        place = builders.group(db, place=change.get("place", "Room 2"))
        builders.session(db, place)
        builders.enrolled(db, place, person)
        who = person.id
    form = {**ON_PAPER, **{name: value for name, value in change.items() if name.startswith("channel")}}
    page = staff.post(f"/members/{who}/consent", form)

    assert page.status_code == 422
    assert 'href="#f-purpose_detailed"' in page.text
    assert 'id="f-purpose_detailed"' in page.text
    assert not wants(parts, who)


def test_staff_take_it_back_on_the_members_word(parts, staff, key):
    who = key()
    staff.post(f"/members/{who}/consent", ON_PAPER)
    answer = staff.post(f"/members/{who}/discreet", {"asked": "On the phone."})
    again = staff.post(f"/members/{who}/discreet", {})

    assert (answer.status_code, again.status_code, wants(parts, who)) == (302, 302, False)
    assert json.loads(rows_of(parts)[-1].proof)["said"] == "On the phone."
    page = staff.post(f"/members/{who}/discreet", {"asked": "x" * 300})
    assert page.status_code == 422


def test_a_facilitator_puts_nothing_on_record_that_names_anothers_group(parts, staff, key):
    who = key()
    with parts.open_db() as db:
        me = db.scalars(select(Staff)).one()
        me.role = "facilitator"
        db.scalars(select(Group)).one().facilitator_id = me.id
        builders.enrolled(db, builders.group(db, "Loss", outside_name="Another circle"), db.get_one(Member, who))
    page = staff.get(f"/members/{who}/consent").text
    token = TOKEN.search(page)[1]

    assert "Another circle" not in page
    assert "a group that is not yours" in page
    answer = staff.client.post(f"/members/{who}/consent", data={**ON_PAPER, "csrf_token": token})
    assert (answer.status_code, wants(parts, who)) == (422, False)


# previews


def chosen(parts, key):
    with parts.open_db() as db:
        builders.agree(db, db.get_one(Member, key), [Purpose.DETAILED])


def test_the_queue_says_what_will_really_go(parts, staff, key):
    who = key()
    before = plain(staff.get("/queue"))
    chosen(parts, who)

    assert "Reminder of your appointment Thu Jan 7" in before
    assert SAMPLE in plain(staff.get("/queue"))


def test_the_dry_run_says_whose_texts_name_the_group(parts, staff, key):
    who = key()
    path = "/queue?as_of=2027-01-06T17:00"
    before = staff.get(path).text
    chosen(parts, who)

    assert "names group and place" not in before
    assert "names group and place" in staff.get(path).text


def test_a_week_can_be_tried_in_both_wordings(parts, staff, key):
    key()
    with parts.read_db() as db:
        path = f"/groups/{db.scalars(select(Group)).one().id}/week"

    assert "Room 2. Reply C" not in staff.get(path).text
    assert SAMPLE in plain(staff.get(f"{path}?words=detailed"))
    with parts.open_db() as db:
        db.scalars(select(Group)).one().place = ""
    page = plain(staff.get(f"{path}?words=detailed"))
    assert "The group has no place to be named." in page
    assert "Reminder of your appointment" in page


def test_a_group_that_is_called_otherwise_says_for_how_many_it_ends(parts, staff, key):
    chosen(parts, key())
    with parts.read_db() as db:
        group = db.scalars(select(Group)).one().id
    about = {"group": "Loss", "outside_name": "Thursdays", "place": "Room 2", "link": "", "capacity": "8"}
    page = staff.post(f"/groups/{group}/about", about, follow_redirects=True)

    assert "1 member chose texts that name the group." in page.text


def test_no_file_says_that_somebody_saw_their_text(parts):
    from service.rules.member_rows import read_member

    given = {"name": "Anna", "mobile": "202-555-0111", "consent_purposes": "reminder detailed"}
    given |= {"consent_method": "paper", "consent_at": "2027-01-02", "consent_by": "Lee", "consent_wording": "Yes."}

    assert "detailed" in read_member(given, "US", NOW)[1]["consent_purposes"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("{sender}: {group}, {day} {time}, {place}. C or X. STOP to end.", ""),
        ("{sender}: therapy {group}, {day} {time}. STOP", "“therapy” tells"),
        ("{sender}: {group}, {day} {time}, {place}. STOP" + " and so on" * 10, "more than 1 part."),
    ],
)
def test_staff_put_it_into_their_own_words(parts, staff, key, words, said):
    page = staff.post("/templates/reminder_detailed", {"words": words, "action": "save"})

    assert page.status_code == (422 if said else 302)
    assert said in page.text
    assert staff.get("/templates/reminder_detailed?medium=page").status_code == 404


def test_only_those_who_chose_it_are_counted_as_waiting_for_it(parts, staff, key):
    who = key()
    before = staff.get("/templates/reminder_detailed").text
    chosen(parts, who)

    assert "0 people have this message coming" in before
    assert "1 person has this message coming" in staff.get("/templates/reminder_detailed").text
