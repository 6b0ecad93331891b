"""Staff write to one or all: seen and counted first, and then out by the same way as every other message."""

import re

import pytest
from sqlalchemy import func, select

from service.flows.deliver import deliver
from service.models import Delivery, GroupSession
from service.models.groups import SessionState
from service.rules.consent import Choice
from service.rules.kinds import Kind
from service.rules.lifecycle import State
from tests import builders
from tests.builders import NOW

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
WORDS = "Please use the side door on {day}."


@pytest.fixture
def place(parts):
    """A session with one who is texted, one by email, one who never agreed."""
    with parts.open_db() as db:
        group = builders.group(db)
        about = builders.session(db, group)
        for who in (
            builders.member(db, "Anna Bell"),
            builders.member(db, "Ben Cole", email="ben@example.org", choice=Choice.EMAIL),
            builders.member(db, "Cleo Park", agrees=[]),
        ):
            builders.enrolled(db, group, who)
        return {"session": f"/sessions/{about.id}/message", "group": f"/groups/{group.id}/message"}


def notes(parts):
    with parts.read_db() as db:
        return db.scalars(select(Delivery).where(Delivery.kind == Kind.NOTE).order_by(Delivery.channel.desc())).all()


def form(**changes):
    return {"to": "all", "when": "now", "words": WORDS, **changes}


def test_the_first_press_shows_the_count_and_who_is_skipped_and_why_and_sends_nothing(parts, staff, place):
    page = staff.post(place["session"], form()).text

    assert "Send this to 2 people?" in page
    assert re.findall(r"<dd>(\d)</dd>", page) == ["1", "1", "1"]
    assert "no consent on record" in page
    assert "Oak St Office: Please use the side door on Wed Dec 30. Reply STOP to end." in page
    assert notes(parts) == []


def test_the_second_press_sends_it_the_way_of_every_message(parts, staff, place, post, texts, mails):
    staff.post(place["session"], form(confirmed="1"))
    deliver(post, [row.id for row in notes(parts)])

    assert [said.text for said in texts.outbox] == [
        "Oak St Office: Please use the side door on Thu Jan 7. Reply STOP to end."
    ]
    assert len(mails.outbox) == 1
    assert "side door" not in mails.outbox[0].text
    assert [(row.consent_seq is not None, row.wording) for row in notes(parts)] == [
        (True, "sms/staff_note/en/0"),
        (True, "page/staff_note/en/0"),
    ]
    assert notes(parts)[1].body == "Oak St Office: Please use the side door on Thu Jan 7."


def test_a_consent_that_is_withdrawn_meanwhile_stops_it(parts, staff, place, post, texts):
    staff.post(place["session"], form(confirmed="1"))
    with parts.open_db() as db:
        builders.withdraw(db, db.get_one(Delivery, notes(parts)[0].id).member)
    deliver(post, [notes(parts)[0].id])

    assert texts.outbox == []
    assert (notes(parts)[0].state, notes(parts)[0].reason) == (State.SUPPRESSED, "no consent on record")


def test_it_can_go_to_one(parts, staff, place):
    page = staff.get(place["group"]).text
    anna = re.search(r'<option value="([^"]+)">Anna Bell', page)[1]
    sent = {"to": anna, "words": "See you soon.", "confirmed": "1"}

    assert "1 message to 1 person on the way." in staff.post(place["group"], sent, follow_redirects=True).text
    assert [str(row.member_id) for row in notes(parts)] == [anna]


def test_later_is_on_the_practices_clock_and_waits_for_the_day(parts, staff, place):
    given = form(when="later", at="2027-01-05T22:00", confirmed="1")

    answer = staff.post(place["session"], given, follow_redirects=True).text
    assert "2 messages to 2 people planned for Tue" in answer
    text = notes(parts)[0]

    assert text.due_at == builders.local("2027-01-05 22:00")
    assert text.next_at == builders.local("2027-01-06 09:00")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"words": ""}, "Enter what you want to say."),
        ({"words": "x" * 301}, "Use at most 300 characters."),
        ({"words": "Bring {name}."}, "{name} is not a field."),
        ({"words": "Our therapy room moved."}, "“therapy” tells whoever sees the screen"),
        ({"words": "Thursday grief group meets"}, "tells whoever sees"),
        ({"words": "Ask Anna Bell."}, "“Anna Bell” is the name of a person or a group"),
        ({"when": "later", "at": "soon"}, "Choose a date and a time"),
        ({"when": "now", "at": "2027-01-05T10:00"}, "Press “Later” if it shall go then"),
        ({"when": "later", "at": "2027-01-03T10:00"}, "Choose a time that is still to come"),
        ({"to": "nobody"}, "Choose."),
    ],
)
def test_what_cannot_be_sent_is_said_at_its_field_and_the_words_are_kept(parts, staff, place, changes, said):
    answer = staff.post(place["session"], form(confirmed="1", **changes))

    assert answer.status_code == 422
    assert said in answer.text
    assert notes(parts) == []
    assert changes.get("words", WORDS) in answer.text


def test_more_than_fifty_people_need_a_second_yes(parts, staff):
    with parts.open_db() as db:
        group = builders.group(db)
        for number in range(51):
            builders.enrolled(db, group, builders.member(db, f"Member {number}"))
        path = f"/groups/{group.id}/message"
    given = {"to": "all", "words": "See you soon.", "confirmed": "1"}
    refused = staff.post(path, given)

    assert (refused.status_code, "Tick that you mean all 51 people." in refused.text) == (422, True)
    assert notes(parts) == []
    staff.post(path, {**given, "sure": "51"})
    assert len(notes(parts)) == 51


def test_the_weekly_limit_is_said_before_anything_goes(parts, staff, place):
    for _ in range(3):
        staff.post(place["session"], form(confirmed="1"))
        with parts.open_db() as db:
            for row in db.scalars(select(Delivery).where(Delivery.state == State.SCHEDULED)):
                row.state, row.marked_at, row.address_index = State.SENT, NOW, row.member.mobile_index

    assert "the most messages for a day or a week are reached" in staff.post(place["session"], form()).text


def test_a_retry_says_the_same_words_again(parts, staff, place, post, texts):
    staff.post(place["session"], form(confirmed="1"))
    with parts.open_db() as db:
        row = db.get_one(Delivery, notes(parts)[0].id)
        row.body, row.attempts = "Oak St Office: as it left.", 1
    deliver(post, [row.id])

    assert [said.text for said in texts.outbox] == ["Oak St Office: as it left."]


def test_words_and_time_can_be_edited_in_the_queue_until_it_leaves(parts, staff, place):
    staff.post(place["session"], form(when="later", at="2027-01-05T12:00", confirmed="1"))
    key = notes(parts)[0].id
    assert "Please use the side door" in staff.get(f"/queue/{key}").text
    staff.post(f"/queue/{key}/edit", {"words": "Use the front door.", "at": "2027-01-05T15:00"})
    row = notes(parts)[0]

    assert (row.body, row.next_at) == ("Use the front door.", builders.local("2027-01-05 15:00"))
    assert staff.post(f"/queue/{key}/edit", {"words": "Our therapy", "at": "x"}).status_code == 422


def test_what_a_rule_asks_for_is_edited_at_the_rule(parts, staff):
    with parts.open_db() as db:
        scene = builders.scene(db)
    staff.post(f"/queue/{scene.delivery}/edit", {"words": "Hello", "at": "2027-01-05T15:00"})

    assert "change the rule" in staff.get(f"/queue/{scene.delivery}").text
    with parts.read_db() as db:
        assert db.scalar(select(func.count(Delivery.id)).where(Delivery.body_sealed.is_not(None))) == 0


def test_a_cancelled_session_is_not_written_about(parts, staff, place):
    with parts.open_db() as db:
        db.scalars(select(GroupSession)).one().state = SessionState.CANCELLED

    assert "This session is cancelled" in staff.post(place["session"], form()).text


@pytest.mark.parametrize("where", ["groups", "sessions", "members"])
def test_nobody_to_write_to_is_a_404(staff, where):
    assert staff.get(f"/{where}/00000000-0000-0000-0000-000000000000/message").status_code == 404


@pytest.fixture
def two_groups(parts):
    """Anna is in both, Ben in the second one alone."""
    with parts.open_db() as db:
        first, second = builders.group(db, "Grief on Thursdays"), builders.group(db, "Anger on Mondays")
        anna = builders.member(db, "Anna Bell")
        for group, who in ((first, anna), (second, anna), (second, builders.member(db, "Ben Cole"))):
            builders.enrolled(db, group, who)
        return {"first": str(first.id), "second": str(second.id), "anna": str(anna.id)}


def listed(staff, where, group):
    """The group that each row shows."""
    page = staff.get(f"/{where}?group={group}").text
    return re.findall(r'<td[^>]*data-label="Group"><div>([^<]*)<', page)


def test_what_is_written_to_a_whole_group_stands_in_the_log_under_that_group_alone(parts, staff, two_groups):
    staff.post(f"/groups/{two_groups['first']}/message", form(words="See you soon.", confirmed="1"))

    assert listed(staff, "log", two_groups["first"]) == ["Grief on Thursdays"]
    assert listed(staff, "log", two_groups["second"]) == []
    assert "Grief on Thursdays" in staff.post("/log/csv", {"group": two_groups["first"]}).text


def test_in_the_queue_it_is_shown_with_its_group_too(parts, staff, two_groups):
    later = form(words="See you soon.", when="later", at="2027-01-05T12:00", confirmed="1")
    staff.post(f"/groups/{two_groups['second']}/message", later)

    assert "1 to 2 of 2" in staff.get(f"/queue?group={two_groups['second']}").text
    assert "No message of the next 14 days" in staff.get(f"/queue?group={two_groups['first']}").text
    assert "Anger on Mondays" in staff.get(f"/queue/{notes(parts)[0].id}").text


def test_what_is_written_to_one_member_is_found_wherever_they_belong(parts, staff, two_groups):
    staff.post(f"/members/{two_groups['anna']}/message", form(words="See you soon.", confirmed="1"))

    assert listed(staff, "log", two_groups["first"]) == listed(staff, "log", two_groups["second"]) == ["none"]


def test_pressed_twice_it_goes_once(parts, staff, place):
    page = staff.post(place["session"], form()).text
    given = form(confirmed="1", once=re.search(r'name="once" value="([^"]+)"', page)[1])
    first = staff.post(place["session"], given, follow_redirects=True).text
    second = staff.post(place["session"], given, follow_redirects=True).text

    assert "2 messages to 2 people on the way." in first
    assert "It is on its way already" in second
    assert len(notes(parts)) == 2


def test_the_same_words_written_anew_go_again(parts, staff, place):
    for _ in range(2):
        page = staff.post(place["session"], form()).text
        staff.post(place["session"], form(confirmed="1", once=re.search(r'name="once" value="([^"]+)"', page)[1]))

    assert len(notes(parts)) == 4


def test_a_press_that_says_nonsense_of_its_page_sends(parts, staff, place):
    staff.post(place["session"], form(confirmed="1", once="nonsense"))

    assert len(notes(parts)) == 2
