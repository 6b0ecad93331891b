"""Plain words opt out, command, or come by accident; any text means something, at once."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.rules.understanding import MatchedBy, Meaning, Prompt, understand

OPT_OUTS = [
    "stop messaging me please",
    "Please remove me",
    "I would like to opt out of these",
    "Don't send me any more texts",
    "do not message me again",
    "UNSUBCRIBE",
    "stop, you have the wrong person",
    "ok stop now",
    "pls stop txting... stop texting",
    "quit sending me messages",
    "delete my number",
    "no more reminders",
    "I no longer want these messages",
    "STOP STOP STOP",
    "ЅТОР",
    "st0p",
    "stop 🛑",
    "go away",
    "take my number off your list",
    "I do not consent to these texts",
    "Stop sending me texts and emails",
]
OPT_OUTS_ES = [
    "ya no me manden mensajes",
    "no quiero recibir más mensajes",
    "dejen de escribirme",
    "quiten mi número de la lista",
    "no más mensajes",
    "Alto, gracias",
    "déjenme en paz",
    "quiero darme de baja",
    "ya no me escriban",
]


@pytest.mark.parametrize("text", OPT_OUTS)
def test_plain_words_opt_out(text):
    assert understand(text).meaning is Meaning.OPT_OUT


@pytest.mark.parametrize("text", OPT_OUTS_ES)
def test_plain_spanish_words_opt_out_whatever_the_language_on_file(text):
    assert understand(text).matched_by is MatchedBy.FREE_TEXT_ES


@pytest.mark.parametrize(
    "text",
    [
        "I want to quit drinking",
        "I can't stop texting my ex",
        "my ex won't stop texting me",
        "I stopped sending money to my brother",
        "it has to end soon",
        "we should stop meeting on Tuesdays",
        "I told him to leave me alone",
        "the thoughts won't leave me alone",
        "I didn't get the text",
        "I don't want to miss these",
        "too many texts lately",
        "one reminder is enough",
        "don't stop sending these, they help",
        "can we end at 7?",
        "no puedo parar de llorar",
        "no quiero ir al trabajo",
        "ya basta de excusas, voy a ir",
        "help me stop drinking",
        "the bus stop is closed",
        "he does not text me anymore and it hurts",
        "I don't need to text him",
        "why did you stop texting me",
        "did you delete my number",
        "there were no texts",
        "to stop checking messages at night",
        "turn these feelings off",
    ],
)
def test_stopping_something_else_is_no_opt_out(text):
    assert understand(text).meaning is Meaning.WORDS


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("start", Meaning.OPT_IN),
        ("Unstop.", Meaning.OPT_IN),
        ("LESS", Meaning.LESS),
        ("menos", Meaning.LESS),
        ("info", Meaning.HELP),
        ("PAUSE", Meaning.PAUSE),
        ("pause until Monday", Meaning.PAUSE),
        ("WIN: I walked every day", Meaning.WIN),
        ("win - called my sister", Meaning.WIN),
        ("you win some, you lose some", Meaning.WORDS),
        ("start at 6 or 7?", Meaning.WORDS),
        ("less anxious this week", Meaning.WORDS),
    ],
)
def test_commands_are_the_whole_message_or_its_first_word(text, meaning):
    assert understand(text).meaning is meaning


@pytest.mark.parametrize(
    "text",
    [
        "Liked “Oak St Office: Reminder of your appointment”",
        'Loved "See you today"',
        "Reacted 👍 to “Oak St Office: Reminder”",
        " 👍 to “ Oak St Office: Reminder ” ",
        "Le gustó “Le recordamos su cita”",
        "Removed a like from “See you”",
        "[Auto-Reply] I am away",
        "I'm driving right now and will get back to you. STOP",
        "Automatic reply: out of office until Monday",
    ],
)
def test_what_a_phone_writes_by_itself_is_no_answer(text):
    assert understand(text, {Prompt.REMINDER, Prompt.CHECKIN}).meaning is Meaning.AUTOMATIC


@pytest.mark.parametrize("text", ["Liked it a lot", 'I loved "the walk" exercise', "going to “group” tonight"])
def test_quoting_is_not_reacting(text):
    assert understand(text).meaning is Meaning.WORDS


@pytest.mark.parametrize("text", ["", " \n", "👍", "❤️🙏", "😀"])
def test_signs_alone_say_nothing(text):
    assert understand(text).meaning is Meaning.EMPTY


@pytest.mark.parametrize(
    "text",
    ["wrong number", "Who is this?", "I'm not Ana", "no soy Ana", "you have the wrong person", "new phone who dis"],
)
def test_a_wrong_number_is_noticed(text):
    assert understand(text).meaning is Meaning.WRONG_NUMBER


@pytest.mark.parametrize("text", ["I'm not sure", "I'm not coming", "not me being late again lol", "I'm not Ok"])
def test_not_being_something_is_no_wrong_number(text):
    assert understand(text).meaning is Meaning.WORDS


def test_the_provider_alone_can_take_yes_for_start():
    assert understand("YES", was_opted_out=True).meaning is Meaning.WORDS
    assert understand("YES", was_opted_out=True, provider_says="START").meaning is Meaning.OPT_IN
    assert understand("YES", {Prompt.REMINDER}, provider_says="START").meaning is Meaning.COMING
    assert understand("anything", provider_says="STOP").meaning is Meaning.OPT_OUT


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200), st.sets(st.sampled_from(Prompt)), st.booleans(), st.sampled_from(["en", "es"]))
def test_every_text_means_something(text, prompts, was_opted_out, language):
    assert understand(text, prompts, was_opted_out, language).meaning in Meaning


@pytest.mark.parametrize("unit", ["stop ", "7 ", "a", "don't text ", "no me ", "“", "👍", "1/"])
def test_a_hostile_text_is_understood_as_fast_as_any(unit):
    start = time.perf_counter()
    understand(unit * (100_000 // len(unit)), set(Prompt))

    assert time.perf_counter() - start < 0.5
