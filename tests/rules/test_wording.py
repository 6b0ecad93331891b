import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.rules.segments import count
from service.rules.wording import Kind, Problem, problems, promises, why_discreet

VECTORS = Path(__file__).parents[1] / "vectors"
DEFAULTS = json.loads((VECTORS / "default_messages.json").read_text(encoding="utf-8"))
DETAILED = [message for message in DEFAULTS["messages"] if message["mode"] == "detailed"]
DISCREET = [message for message in DEFAULTS["messages"] if message["mode"] == "discreet"]


def kinds(text, names=()):
    return {problem.kind for problem in problems(text, names)}


@pytest.mark.parametrize("message", DISCREET, ids=[message["key"] for message in DISCREET])
def test_our_own_discreet_texts_reveal_promise_and_sell_nothing(message):
    samples = [check["sample"] for check in message["check"].values()]

    assert [problems(text) for text in [*message["text"].values(), *samples]] == [[]] * 2 * len(samples)


@pytest.mark.parametrize("message", DETAILED, ids=[message["key"] for message in DETAILED])
def test_our_own_detailed_texts_say_what_it_is_called_and_not_what_it_is_for(message):
    samples = [check["sample"] for check in message["check"].values()]
    assert [problems(text, in_detail=True) for text in [*message["text"].values(), *samples]] == [[]] * 2 * len(samples)


@pytest.mark.parametrize("text", ["Your therapy group", "grouptherapy", "Grief group", "grupo de apoyo al duelo"])
def test_even_in_detail_nothing_says_what_a_group_is_for(text):
    assert {problem.kind for problem in problems(text, in_detail=True)} == {Kind.REVEALS}


def test_in_detail_a_group_is_called_so_and_not_as_staff_call_it():
    assert problems("Your group on Thursday", in_detail=True) == []
    assert problems("Tuesday circle", ["Tuesday circle"], in_detail=True) != []


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("Oak: Thursday group meets at 6, Room 2", "Room 2", ""),
        ("Oak: Thursday group meets at 6, ", "", "no place"),
        ("Oak: " + "x" * 156, "x", "1 characters too long"),
        ("Oak: Thursday group, Łódź 2", "Łódź 2", "double the price"),
        ("Oak: Grief circle, Room 2", "Room 2", "“Grief” tells"),
        ("Oak: Loss, Thursdays, Room 2", "Room 2", "“Loss, Thursdays” is the name"),
    ],
)
def test_staff_are_told_why_a_text_stays_discreet(text, place, said):
    why = why_discreet(text, place, "Loss, Thursdays")

    assert said in why
    assert bool(why) == bool(said)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60), st.text(max_size=130))
def test_what_goes_out_in_detail_is_one_part_and_passes_the_check_whatever_the_names(name, place):
    text = f"Oak St Office: {name} meets Thu Jan 7 at 6:30 PM, {place}. Reply C or X. Reply STOP to end."
    if not why_discreet(text, place, "Loss, Thursdays"):
        assert (count(text).segments, count(text).encoding) == (1, "GSM-7")
        assert {problem.words.casefold() for problem in problems(text)} <= {"group", "groups", "grupo", "grupos"}


@pytest.mark.parametrize("message", DEFAULTS["messages"], ids=[message["key"] for message in DEFAULTS["messages"]])
def test_our_own_texts_promise_and_sell_nothing_even_where_they_are_detailed(message):
    assert [promises(text) for text in message["text"].values()] == [[]] * len(message["text"])


@pytest.mark.parametrize("email", DEFAULTS["emails"], ids=[email["key"] for email in DEFAULTS["emails"]])
def test_our_own_emails_reveal_nothing(email):
    assert [problems(email[part]) for part in ("subject_en", "subject_es", "body_en", "body_es")] == [[]] * 4


@pytest.mark.parametrize(
    "text",
    [
        "Your therapy is at 6",
        "See you in group",
        "THERAPIST: see you",
        "ｔｈｅｒａｐｙ at 6",
        "thеrapy at 6",
        "Riverside Recovery",
        "your counselling session",
        "su sesión es el jueves",
        "Terapia a las 6",
        "grupo de apoyo",
        "salud mental",
        "bring your sertraline",
        "anti-depressants",
        "psicóloga",
        "a sober night",
    ],
)
def test_what_tells_a_bystander_is_found(text):
    assert kinds(text) == {Kind.REVEALS}


@pytest.mark.parametrize(
    "text",
    ["Your appointment is Thu at 6", "a fundamental rule", "Su cita es el jueves", "this method", "mi sobrina viene"],
)
def test_ordinary_words_are_left_alone(text):
    assert problems(text) == []


def test_a_name_must_not_come_out_of_a_blank():
    assert problems("See you in Thursday Circle", ["Thursday Circle"]) == [Problem(Kind.NAMES, "Thursday Circle")]
    assert problems("ÁNA and you", ["Ana"]) == [Problem(Kind.NAMES, "Ana")]
    assert problems("See you on Thursday", ["Thursday Circle", "", "Anna"]) == []


@pytest.mark.parametrize(
    "text",
    [
        "Someone will contact you",
        "Help is on the way",
        "We are here 24/7",
        "We're always here for you",
        "We are watching your replies",
        "Our team is monitoring this",
        "You are safe",
        "We will call you",
        "We'll get back to you soon",
        "Alguien le llamará",
        "La ayuda va en camino",
        "Estamos aquí para usted",
        "Está a salvo",
        "Le llamaremos",
        "Nos pondremos en contacto",
    ],
)
def test_a_promise_that_nobody_may_keep_is_found(text):
    assert Kind.PROMISE in kinds(text)


@pytest.mark.parametrize(
    "text",
    [
        "20% off this week",
        "Only $30 a visit",
        "Refer a friend",
        "Join our new program",
        "Please donate",
        "Leave us a review",
        "special offer",
        "Sign up today",
        "Descuento para usted",
        "Recomiende a un amigo",
        "Deje su reseña",
    ],
)
def test_an_advertisement_is_found(text):
    assert kinds(text) == {Kind.MARKETING}


@pytest.mark.parametrize(
    "text", ["Reply CANCEL to cancel", "reply YES to confirm", "text END if you can't", "Responda CANCELAR"]
)
def test_words_that_belong_to_the_carrier_are_found(text):
    assert kinds(text) == {Kind.CARRIER_WORD}


@pytest.mark.parametrize("text", ["Reply STOP to end", "Reply HELP for help, STOP to end.", "Responda C si viene"])
def test_the_words_that_must_be_there_are_no_problem(text):
    assert problems(text) == []


def test_each_problem_says_what_to_do():
    found = problems("Therapy $20: we will call you, Ana, reply YES. Therapy!", ["Ana"])

    assert {problem.kind for problem in found} == set(Kind)
    assert all(problem.words in problem.advice and problem.advice.endswith(".") for problem in found)


def test_a_problem_is_told_once():
    assert problems("group, group and group") == [Problem(Kind.REVEALS, "group")]


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=300), st.lists(st.text(max_size=10), max_size=3))
def test_no_text_breaks_the_check(text, names):
    assert all(problem.kind in Kind for problem in problems(text, names))
