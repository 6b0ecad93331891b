import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.rules import segments
from service.rules.segments import Encoding, Segments, count, to_gsm7

VECTORS = Path(__file__).parents[1] / "vectors"
CASES = json.loads((VECTORS / "sms_segments.json").read_text(encoding="utf-8"))["vectors"]
TABLES = json.loads((VECTORS / "gsm7_tables.json").read_text(encoding="utf-8"))
MESSAGES = json.loads((VECTORS / "default_messages.json").read_text(encoding="utf-8"))["messages"]

# where our substitution differs from the provider's on purpose: one space for one space, n with tilde stays a letter
OURS = {
    "reminder-nbsp-smart": "Session at 6:00 PM",
    "reminder-nnbsp-smart": "Session at 6:00 PM",
    "tab-smart": "a b",
    "combining-nfd-n-smart": "mañana",
    "spanish-ucs2-smart": "Mañana a las 6 hay sesion. ¿Vienes?",
}
SMART = [case for case in CASES if case["smart_encoding"]]


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_every_text_is_counted_as_the_provider_counts_it(case):
    text = case.get("text_after", case["text"])

    assert count(text) == Segments(Encoding(case["encoding"]), case["units"], case["segments"])


@pytest.mark.parametrize("case", SMART, ids=[case["id"] for case in SMART])
def test_typeset_signs_become_plain_as_the_provider_does_it_or_better(case):
    assert to_gsm7(case["text"]) == OURS.get(case["id"], case["text_after"])


def test_our_alphabet_is_the_published_one():
    assert set(TABLES["gsm7_basic"]) == segments.BASIC
    assert set(TABLES["gsm7_extension"]) == segments.EXTENDED


@pytest.mark.parametrize("char", ["á", "í", "ó", "ú", "Á", "ç", "ê"])
def test_an_accent_outside_the_alphabet_is_dropped_unless_kept(char):
    assert count(to_gsm7(f"S{char}")).encoding is Encoding.GSM7
    assert to_gsm7(f"S{char}", keep_accents=True) == f"S{char}"


def test_accents_within_the_alphabet_stay():
    assert to_gsm7("Mañana, ¿sí? café, Grüße à Øre") == "Mañana, ¿si? café, Grüße à Øre"


def test_emoji_and_other_alphabets_stay():
    assert to_gsm7("привіт 💙") == "привіт 💙"


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("6:00\u202fPM", "6:00 PM"),
        ("“you’re in” – see you…", '"you\'re in" - see you...'),
        ("ＯＫ　１０", "OK 10"),
        ("½ hour", "1/2 hour"),
        ("1º", "1o"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
    ],
)
def test_what_a_word_processor_adds_is_taken_out(typed, plain):
    assert to_gsm7(typed) == plain


def test_an_empty_text_has_no_units():
    assert count("") == Segments(Encoding.GSM7, 0, 1)


@pytest.mark.parametrize("message", MESSAGES, ids=[message["key"] for message in MESSAGES])
def test_every_default_message_is_in_the_alphabet_and_takes_one_part(message):
    for language, text in message["text"].items():
        check = message["check"][language]

        assert to_gsm7(text) == text
        assert count(check["sample"]) == Segments(Encoding.GSM7, check["units"], 1)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=400))
def test_making_a_text_plain_twice_changes_nothing_more(text):
    once = to_gsm7(text)

    assert to_gsm7(once) == once


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=400))
def test_making_a_text_plain_never_makes_it_dearer_by_encoding(text):
    assert count(text).encoding is Encoding.UCS2 or to_gsm7(text) == text
