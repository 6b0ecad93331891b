"""Texts in staff's own words: what may not be saved, how they look, and that they are what goes out."""

import re

import pytest
from sqlalchemy import select

from service import texts
from service.flows.deliver import deliver
from service.models import Delivery, Practice, Wording
from tests import builders

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
PATH = "/templates/reminder_discreet"
MINE = "{sender}: We look forward to seeing you {day} at {time}. Reply C or X. STOP to end."


def saved(parts):
    with parts.read_db() as db:
        return [(row.version, row.words) for row in db.scalars(select(Wording).order_by(Wording.version))]


def test_staff_put_a_text_into_their_own_words(parts, staff):
    assert staff.post(PATH, {"words": MINE, "action": "save"}).status_code == 302
    assert saved(parts) == [(1, MINE)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (MINE + " {nickname}", "{nickname} is not a field."),
        (MINE + " {next_day}", "{next_day} is not a field."),
        (MINE + " {", "{ is not a field."),
        (MINE + " {{ 7*7 }}", "is not a field."),
        (MINE + " {day.year}", "{day.year} is not a field."),
        (MINE.replace("STOP to end.", ""), "Keep STOP"),
        (MINE.replace("{sender}: ", ""), "Keep {sender}"),
        ("Hi from {sender}, STOP", "Begin with {sender}"),
        (MINE + " Your therapy.", "“therapy” tells whoever sees the screen"),
        (MINE + " Bring Anna Bell.", "“Anna Bell” is the name"),
        (MINE + " Riverside circle", "“Riverside circle” is the name"),
        (MINE + " Reply YES now", "would opt people out or in at the carrier"),
        (MINE + " We will call you back soon.", "promises what nobody may be there to keep"),
        ("", "Enter the text."),
        (MINE + "x" * 1000, "Use at most 1000 characters."),
        (MINE + " and so on" * 40, "Shorten it"),
    ],
)
def test_what_cannot_be_saved_is_said_at_the_field_and_kept_in_it(parts, staff, words, said):
    with parts.open_db() as db:
        builders.group(db, "Riverside circle")
        builders.member(db, "Anna Bell")
    answer = staff.post(PATH, {"words": words, "action": "save"})

    assert answer.status_code == 422
    assert said.replace("'", "&#39;") in answer.text
    assert 'href="#f-words"' in answer.text
    assert saved(parts) == []


def test_an_attack_in_the_words_is_refused_and_shown_as_text(staff):
    answer = staff.post(PATH, {"words": "{sender}: STOP <img src=x onerror=alert(1)>{{7*7}}", "action": "save"})

    assert answer.status_code == 422
    assert "<img src=x" not in answer.text


def test_each_save_is_a_version_and_ours_come_back(parts, staff):
    staff.post(PATH, {"words": MINE, "action": "save"})
    staff.post(PATH, {"words": MINE.replace("Reply", "Answer"), "action": "save"})
    staff.post(PATH, {"action": "reset"})
    page = staff.get(PATH).text

    assert [version for version, words in saved(parts)] == [1, 2, 3]
    assert saved(parts)[2][1] is None
    assert re.search(r"<textarea[^>]*>\s*{sender}: Reminder of your appointment", page)


def test_an_earlier_version_can_be_looked_at_again(staff):
    staff.post(PATH, {"words": MINE, "action": "save"})
    staff.post(PATH, {"action": "reset"})

    assert "We look forward" in re.search(r"<textarea.*?</textarea>", staff.get(f"{PATH}?version=1").text, re.DOTALL)[0]


def test_the_preview_counts_and_shows_the_lock_screen_and_saves_nothing(parts, staff):
    answer = staff.post(f"{PATH}/preview", {"words": MINE})

    assert "Oak St Office: We look forward to seeing" in answer.text
    assert "1 part" in answer.text
    assert "Nothing here tells a stranger" in answer.text
    assert saved(parts) == []


def test_a_first_name_is_only_pointed_at(parts, staff):
    with parts.open_db() as db:
        builders.member(db, "May Holt")

    assert "Members are called May too" in staff.post(f"{PATH}/preview", {"words": MINE + " In May."}).text
    assert staff.post(PATH, {"words": MINE + " In May.", "action": "save"}).status_code == 302


def test_the_cost_is_that_of_the_parts(parts, staff):
    with parts.open_db() as db:
        db.scalars(select(Practice)).one().part_price = "0.0113"

    assert "0.0113 each" in staff.get(PATH).text


def test_staffs_words_go_out_and_their_version_is_kept(parts, staff, post, texts):
    with parts.open_db() as db:
        scene = builders.scene(db)
    staff.post(PATH, {"words": MINE, "action": "save"})
    parts.clock.go(days=2, hours=9)
    deliver(post, [scene.delivery])

    assert [said.text for said in texts.outbox] == [
        "Oak St Office: We look forward to seeing you Thu Jan 7 at 6:30 PM. Reply C or X. STOP to end."
    ]
    with parts.read_db() as db:
        assert db.get_one(Delivery, scene.delivery).wording == "sms/reminder_discreet/en/1"


def test_our_own_words_are_version_nought(parts, post):
    with parts.open_db() as db:
        scene = builders.scene(db, language="es")
    parts.clock.go(days=2, hours=9)
    deliver(post, [scene.delivery])

    with parts.read_db() as db:
        assert db.get_one(Delivery, scene.delivery).wording == "sms/reminder_discreet/es/0"


def test_more_than_fifty_people_are_asked_about_once_more(parts, staff):
    with parts.open_db() as db:
        about = builders.session(db, builders.group(db))
        for number in range(51):
            builders.delivery(db, builders.member(db, f"Member {number}"), about)
    refused = staff.post(PATH, {"words": MINE, "action": "save"})

    assert "51 people have this message coming" in refused.text
    assert refused.status_code == 422
    assert staff.post(PATH, {"words": MINE, "action": "save", "sure": "51"}).status_code == 302


@pytest.mark.parametrize("path", ["/templates/nonsense", f"{PATH}?medium=fax", f"{PATH}?language=xx"])
def test_a_text_that_there_is_not_is_a_404(staff, path):
    assert staff.get(path).status_code == 404


def test_our_own_texts_pass_our_own_checks(parts, staff):
    for row in staff.get("/templates").text.split('href="/templates/')[1:]:
        for asked in ("medium=sms&language=en", "medium=page&language=en", "medium=sms&language=es"):
            if "_detailed" in row.split(chr(34))[0] and "page" in asked:
                continue  # a mail names no group
            page = staff.get(f"/templates/{row.split(chr(34))[0]}?{asked}").text

            assert "cannot be saved yet" not in page, (row[:30], asked)


def test_the_price_of_a_part_is_a_price(staff):
    assert texts.LANGUAGES == ("en", "es")
    form = {
        "name": "Oak",
        "sender_label": "Oak",
        "phone": "212-555-0199",
        "reading_hours": "Mon-Fri 9-5",
        "country": "US",
    }
    form |= {"time_zone": "America/New_York", "opens": "09:00", "closes": "20:00"}

    assert "Enter a price like 0.0113" in staff.post("/settings", {**form, "part_price": "cheap"}).text
    assert staff.post("/settings", {**form, "part_price": "0.01"}).status_code == 302
