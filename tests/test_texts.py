"""The default words, against those that the rules were written with, and against the price of a text."""

import json
import re
from pathlib import Path

import pytest

from service import texts
from service.models import Group, Member, Practice
from service.rules.lines import LINES
from service.rules.segments import count, to_gsm7
from service.rules.wording import problems
from tests.builders import LONDON, LOS_ANGELES, local
from tests.reading import grade, longest_sentence

VECTORS = json.loads((Path(__file__).parent / "vectors" / "default_messages.json").read_text("utf-8"))["messages"]
LANGUAGES = ("en", "es")
KEPT = {path.stem for path in (texts.TEMPLATES / "messages" / "sms").rglob("*.txt")}
DEFAULTS = [row for row in VECTORS if row["key"] in KEPT]
PAIRS = sorted(
    (language, path.stem)
    for language in LANGUAGES
    for path in (texts.TEMPLATES / "messages" / "sms" / language).glob("*.txt")
)
LONGEST = {**texts.LONGEST, "words": "x" * 100}
CASES = [(row, language) for row in DEFAULTS for language in LANGUAGES if language in row["text"]]
IDS = [f"{row['key']}-{language}" for row, language in CASES]


def practice(**changes):
    given = {
        "name": "Oak Street Practice",
        "sender_label": "Oak St Office",
        "phone": "212-555-0199",
        "country": "US",
        "time_zone": "America/New_York",
        "reading_hours": "Mon-Fri 9-5",
        "per_week": 5,
        "postal_address": "1 Oak Street, New York",
    }
    return Practice(**{**given, **changes})


def test_most_of_the_default_messages_have_a_template():
    assert len(DEFAULTS) >= 15


@pytest.mark.parametrize(("row", "language"), CASES, ids=IDS)
def test_each_default_message_is_rendered_word_for_word(row, language):
    office = practice()
    values = {"day": "Thu Jan 7", "time": "6:30 PM", "next_day": "Fri Jan 8", "next_time": "5:00 PM"}
    values |= {"group": "Thursday group", "place": "Room 2"}
    lines = LINES["US"]
    filled = {
        **values,
        "sender": "Oak St Office",
        "phone": "212-555-0199",
        "hours": texts.common(office, language)["hours"],
        "n": "5",
        "crisis": to_gsm7(lines.crisis[language]),
        "crisis_short": to_gsm7(lines.number(language)),
        "danger": "911",
    }
    wanted = re.sub(r"\{(\w+)\}", lambda field: filled[field.group(1)], plain(row["text"][language]))

    assert plain(texts.sms(row["key"], office, language, values)) == wanted


def plain(text):
    """The vectors write some numbers out that are the country's."""
    for said in ("call or text 988", "llame al 988, opcion 2"):
        text = text.replace(said, "{crisis}" if "{" in text else said)
    return text.replace("{crisis}", "{crisis}")


@pytest.mark.parametrize("country", sorted(LINES))
@pytest.mark.parametrize(("language", "key"), PAIRS, ids=[f"{key}-{language}" for language, key in PAIRS])
def test_each_text_is_one_part_with_the_longest_values(key, language, country):
    office = practice(sender_label="Oak Street Offic", phone="212-555-0199", country=country)
    size = count(texts.sms(key, office, language, LONGEST))

    assert (size.encoding, size.segments) == ("GSM-7", 1)


@pytest.mark.parametrize("key", sorted(key for key in KEPT if not re.fullmatch(r"crisis.*_[A-Z]{2}", key)))
def test_each_text_is_there_in_every_language(key):
    assert all((texts.TEMPLATES / "messages" / "sms" / language / f"{key}.txt").exists() for language in LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", ["reminder_detailed", "same_day_detailed"])
def test_a_lock_screen_shows_who_writes_a_name_for_outside_and_nothing_else(key, language):
    shown = rendered("sms", language, key)[:40]

    assert shown.startswith("Oak St Office: Thursday Circle")
    assert problems(shown) == []
    assert "Rm 2" not in shown


def test_a_text_that_there_is_not_is_missed():
    with pytest.raises(texts.MissingText):
        texts.sms("reminder_discreet", practice(), "fr", LONGEST)


def test_a_value_that_holds_braces_is_not_filled_again():
    said = texts.sms("confirm_ack", practice(sender_label="{phone}"), "en", {"day": "{time}", "time": "6 PM"})

    assert said == "{phone}: Thank you. See you {time} at 6 PM."


def test_typographic_signs_do_not_double_the_price():
    said = texts.sms("confirm_ack", practice(sender_label="Oak’s “Office”"), "en", LONGEST)

    assert count(said).encoding == "GSM-7"


# days and hours in words


def told(moment, *, country="US", language="en", group_zone="America/New_York", member_zone=None, online=False):
    place = Group(time_zone=group_zone)
    if online:
        place.link = "https://video.example.org"
    else:
        place.place = "Room 2"
    who = Member(name="Anna", language=language, time_zone=member_zone, number_zones=[])
    said = texts.when(moment, place, who, practice(country=country))
    return said.day, said.time


def test_in_the_united_states_the_month_comes_first():
    assert told(local("2027-01-07 18:30")) == ("Thu Jan 7", "6:30 PM")


def test_in_great_britain_the_day_comes_first_and_the_clock_has_24_hours():
    moment = local("2027-01-07 18:30", LONDON)

    assert told(moment, country="GB", group_zone="Europe/London") == ("Thu 7 Jan", "18:30")


def test_in_spanish_the_day_is_spanish():
    assert told(local("2027-01-07 18:30"), language="es") == ("jue 7 ene", "6:30 PM")


@pytest.mark.parametrize("hour", ["00:05", "09:00", "12:00", "12:30", "23:59"])
def test_hours_have_no_sign_that_doubles_the_price(hour):
    assert count(" ".join(told(local(f"2027-01-07 {hour}")))).encoding == "GSM-7"


def test_in_person_the_hour_is_that_of_the_room_with_its_letters():
    moment = local("2027-01-07 18:30")

    assert told(moment, member_zone="America/Los_Angeles") == ("Thu Jan 7", "6:30 PM ET")


def test_online_the_hour_is_the_members_own_with_its_letters():
    moment = local("2027-01-07 18:30")

    assert told(moment, member_zone="America/Los_Angeles", online=True) == ("Thu Jan 7", "3:30 PM PT")


def test_online_the_day_may_be_another():
    moment = local("2027-01-07 22:30", LOS_ANGELES)
    said = told(moment, group_zone="America/Los_Angeles", member_zone="America/New_York", online=True)

    assert said == ("Fri Jan 8", "1:30 AM ET")


def test_the_same_clock_needs_no_letters():
    assert told(local("2027-01-07 18:30"), member_zone="America/Detroit") == ("Thu Jan 7", "6:30 PM")


def test_clocks_that_differ_for_a_fortnight_get_their_letters_then():
    between, after = local("2027-03-20 18:30", LONDON), local("2027-04-20 18:30", LONDON)
    options = {"country": "GB", "group_zone": "Europe/London", "member_zone": "America/New_York"}

    assert told(between, **options)[1].startswith("18:30 ")
    assert told(after, **options)[1].startswith("18:30 ")


# mails


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_mail_says_only_that_there_is_a_message(language):
    subject, body = texts.email("link_only", practice(), language, {"link": "https://l", "unsubscribe": "https://u"})

    assert subject in ("You have a new message", "Tiene un mensaje nuevo")
    assert all(part in body for part in ("https://l", "https://u", "1 Oak Street, New York"))
    assert "{" not in body


def test_no_text_names_what_the_group_is_for():
    words = ("therap", "group", "session", "recover", "mental", "counsel", "grupo", "terapia", "sesion")
    paths = [path for path in (texts.TEMPLATES / "messages").rglob("*.txt") if not path.stem.endswith("_detailed")]
    all_texts = [path.read_text("utf-8").lower() for path in paths]

    assert not [text for text in all_texts for word in words if word in text]


# what no text of ours may do


KINDS_OF_TEXT = sorted(
    (path.parent.parent.name, path.parent.name, path.stem)
    for path in (texts.TEMPLATES / "messages").rglob("*.txt")
    if path.parent.parent.name in ("sms", "page")
)
NAMES = [f"{kind}-{key}-{language}" for kind, language, key in KINDS_OF_TEXT]
DOCUMENTS = {"terms", "privacy", "opt_in"}


def rendered(kind, language, key, country="US"):
    say = {"sms": texts.sms, "page": texts.page}[kind]
    office = practice(country=country)
    return say(key, office, language, {**LONGEST, "name": office.name})


@pytest.mark.parametrize("country", sorted(LINES))
@pytest.mark.parametrize(("kind", "language", "key"), KINDS_OF_TEXT, ids=NAMES)
def test_no_text_reveals_promises_sells_or_asks_for_a_carriers_word(kind, language, key, country):
    assert problems(rendered(kind, language, key, country), in_detail=key.endswith("_detailed")) == []


@pytest.mark.parametrize("key", [key for kind, language, key in KINDS_OF_TEXT if (kind, language) == ("sms", "en")])
def test_every_english_text_is_read_with_six_years_of_school(key):
    text = rendered("sms", "en", key).removeprefix("Oak St Office: ")

    assert grade(text) <= 6
    assert longest_sentence(text) <= 20


@pytest.mark.parametrize("key", [key for kind, language, key in KINDS_OF_TEXT if (kind, language) == ("page", "en")])
def test_every_english_page_is_read_with_few_years_of_school(key):
    assert grade(rendered("page", "en", key)) <= (8 if key in DOCUMENTS else 6)


def test_the_measure_is_that_of_the_vectors():
    checked = [row["check"]["en"] for row in VECTORS if "en" in row["check"]]
    apart = [
        abs(grade(check["sample"].removeprefix("Oak Street Offic: ")) - check["fk_grade_approx"]) for check in checked
    ]

    assert sum(apart) / len(apart) < 1.5


MUST_STAND = {
    "STOP": ("opt_in_request", "opt_in_confirmation", "help_reply", "start_reply", "reminder_discreet", "less_reply"),
    "{sender}": ("opt_in_request", "opt_in_confirmation", "help_reply", "stop_confirmation", "reminder_discreet"),
    "{phone}": ("opt_in_confirmation", "help_reply", "stop_confirmation", "unmonitored_notice"),
    "{n} ": ("opt_in_confirmation", "start_reply"),
    "{crisis}": ("help_reply", "unmonitored_notice", "unknown_sender", "reflection_prompt", "checkin_0_10"),
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("words", MUST_STAND)
def test_what_has_to_stand_in_a_text_stands_in_it(words, language):
    folder = texts.TEMPLATES / "messages" / "sms" / language
    said = {
        key: (folder / f"{key}.txt").read_text("utf-8").replace("{crisis_short}", "{crisis}")
        for key in MUST_STAND[words]
    }

    assert [key for key, text in said.items() if words not in text] == []


def test_spanish_pages_and_mails_keep_their_accents_and_texts_stay_in_one_part():
    office = practice(country="US")
    page = "\n".join(texts.offer(office, "es").statements)
    text = texts.sms("help_reply", office, "es", {})

    assert "llame al 988, opción 2" in page
    assert "llame al 988, opcion 2" in text
