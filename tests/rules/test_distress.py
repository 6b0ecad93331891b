import json
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.rules.distress import Category, Finding, Level, scan

VECTORS = Path(__file__).parents[1] / "vectors"
CASES = json.loads((VECTORS / "crisis_phrases.json").read_text(encoding="utf-8"))["tests"]
TUNED = json.loads(Path(__file__).with_name("tuned_phrases.json").read_text(encoding="utf-8"))["tests"]
UNSEEN = json.loads(Path(__file__).with_name("unseen_phrases.json").read_text(encoding="utf-8"))["tests"]
ANSWERED = {
    "immediate_danger": {Category.IMMEDIATE, Category.SELF_HARM},
    "self_harm": {Category.IMMEDIATE, Category.SELF_HARM},
    "abuse": {Category.ABUSE},
    "medical_emergency": {Category.MEDICAL},
}
"""Immediate danger and self-harm have one reply; the others their own."""


def table(title, cases):
    """Prints, by category and language, how many pages there were and of how many; returns the same."""
    paged, all_of = Counter(), Counter()
    for category, language, text in cases:
        all_of[category, language] += 1
        paged[category, language] += scan(text).level is Level.CRISIS
    print(f"\n{title}")
    for key in sorted(all_of):
        print(f"  {key[0]:<18} {key[1]}  {paged[key]:>3} of {all_of[key]:>3}")
    return paged, all_of


def share(paged, all_of, keep):
    keys = [key for key in all_of if keep(key[0])]
    return sum(paged[key] for key in keys) / sum(all_of[key] for key in keys)


def test_known_sentences_are_found_and_harmless_ones_left_alone():
    labels = {"positive": "", "benign": "benign", "grey": "grey"}
    known = [(labels[case["label"]] or case["category"], case["lang"], case["text"]) for case in CASES]
    paged, all_of = table("known sentences: pages", known)

    assert share(paged, all_of, lambda category: category not in ("benign", "grey")) >= 0.98
    assert share(paged, all_of, lambda category: category == "benign") <= 0.03
    assert share(paged, all_of, lambda category: category == "grey") <= 0.10


def test_sentences_that_the_patterns_were_not_made_from_are_found_too():
    unseen = [(case["category"], case["lang"], case["text"]) for case in UNSEEN]
    paged, all_of = table("unseen sentences: pages", unseen)

    assert share(paged, all_of, lambda category: category not in ("benign", "grey")) >= 0.90
    assert share(paged, all_of, lambda category: category == "benign") <= 0.08
    for key in all_of:
        assert key[0] in ("benign", "grey") or paged[key] / all_of[key] >= 0.65


def test_a_pattern_that_is_changed_breaks_nothing_it_was_made_for():
    tuned = [(case["category"], case["lang"], case["text"]) for case in TUNED]
    paged, all_of = table("sentences it was tuned on: pages", tuned)

    assert share(paged, all_of, lambda category: category != "benign") >= 0.98
    assert share(paged, all_of, lambda category: category == "benign") <= 0.02


WISHES = ["I want to", "im gonna", "I've decided to", "I have the urge to", "my friend says she wants to", "I might"]
ACTS = [
    "kill myself",
    "die",
    "hang myself",
    "not exist",
    "cut my arms",
    "take all my pills",
    "jump off a bridge",
    "hurt my wife",
]
DOERS = ["my husband", "my mom", "he", "my caregiver", "someone"]
DEEDS = [
    "hit me",
    "choked me",
    "touches me at night",
    "threatened to kill me",
    "won't let me leave",
    "raped me",
    "is stalking me",
]
SUFFERERS = ["my roommate", "he", "my son"]
STATES = [
    "isn't breathing",
    "took too many pills",
    "had a seizure",
    "won't wake up",
    "drank bleach",
    "is bleeding a lot",
]
QUIERO = ["quiero", "voy a", "pienso en", "mi amigo quiere"]
ACTOS = ["morir", "matarme", "quitarme la vida", "cortarme", "tirarme del puente"]


@pytest.mark.parametrize(("beginnings", "ends"), [(WISHES, ACTS), (DOERS, DEEDS), (SUFFERERS, STATES), (QUIERO, ACTOS)])
def test_what_is_put_together_from_parts_is_found_whatever_the_parts(beginnings, ends):
    texts = [f"{beginning} {end}" for beginning in beginnings for end in ends]

    assert [text for text in texts if scan(text).level is not Level.CRISIS] == []


def cases_labelled(label):
    chosen = [case for case in CASES if case["label"] == label]
    return pytest.mark.parametrize("case", chosen, ids=[case["id"] for case in chosen])


@cases_labelled("grey")
def test_grey_sentences_are_for_a_person_to_read_soon(case):
    assert scan(case["text"]).level is Level.REVIEW


def test_a_crisis_is_answered_by_what_it_is_about():
    positives = [case for case in CASES if case["label"] == "positive"]
    wrong = [case["text"] for case in positives if scan(case["text"]).category not in ANSWERED[case["category"]]]

    assert len(wrong) <= 0.1 * len(positives), wrong


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("he hit me and I can't breathe", Category.MEDICAL),
        ("my husband hits me, I want to die", Category.IMMEDIATE),
        ("my husband hits me and I cut myself", Category.ABUSE),
        ("I cut myself again, I want to die", Category.IMMEDIATE),
    ],
)
def test_of_two_the_more_urgent_counts_and_abuse_is_remembered(text, category):
    assert scan(text).category is category
    assert scan(text).with_abuse is ("hit" in text)


@pytest.mark.parametrize(
    "text",
    [
        "I WANT TO DIE!!!",
        "i want to dieee",
        "I want... to die",
        "I don’t want to live anymore",
        "i do not want to live any more",
        "I\u200b want to \u200bkill myself",
        "gonna k1ll myself",
        "su1c1de is on my mind",
        "ｉ ｗａｎｔ ｔｏ ｄｉｅ",
        "killmyself",
        "I want to d i e",
        "gonna k!ll myself",
        "i wanna d.i.e",
        "I really just want to fucking die",
        "7 but I want to die",
        "STOP. I want to die",
        "QUIERO MORIR",
        "quiero mórir",
    ],
)
def test_spelling_and_what_stands_around_it_hide_nothing(text):
    assert scan(text).level is Level.CRISIS


@pytest.mark.parametrize(
    "text",
    [
        "I'm not suicidal, just sad",
        "I don't want to die",
        "I used to cut myself",
        "my dad used to hit us when we were kids",
        "my brother shot himself in 2011",
        "I tried to kill myself when I was 16",
        "no pienso en suicidarme",
    ],
)
def test_what_is_negated_or_past_is_for_review_and_never_nothing(text):
    assert scan(text).level is Level.REVIEW


@pytest.mark.parametrize(
    "text",
    [
        "this commute is killing me and I want to die",
        "I'm not joking, I want to die",
        "watching Suicide Squad but honestly I am going to kill myself",
        "not suicidal exactly but I think about dying every day",
        "me muero de risa pero me quiero matar",
    ],
)
def test_a_false_friend_or_a_negation_beside_it_hides_nothing(text):
    assert scan(text).level is Level.CRISIS


def test_a_phone_that_others_read_is_noted():
    finding = scan("do not text me here, my husband checks this phone and gets violent")

    assert (finding.level, finding.category, finding.is_read_by_others) == (Level.CRISIS, Category.ABUSE, True)


def test_staff_see_the_pattern_and_never_the_words():
    finding = scan("Dear Quentin, I want to kill myself")

    assert finding.by
    assert "quentin" not in finding.by.lower()


@pytest.mark.parametrize("text", ["", " ", "7", "C", "👍", "?", "\x00", "\ud800", "²", "$", "@"])
def test_what_says_little_is_nothing(text):
    assert scan(text) == Finding(Level.NONE)


@pytest.mark.parametrize("before", [0, 300, 1_500, 20_000])
@pytest.mark.parametrize("after", [0, 300, 1_500])
def test_the_end_of_a_long_text_is_read_too(before, after):
    words = "we walked to the market and had soup on day {} "
    text = (
        "".join(map(words.format, range(before // 48)))
        + "I want to die. "
        + "".join(map(words.format, range(after // 48)))
    )

    assert scan(text).level is Level.CRISIS


def test_a_text_too_long_to_scan_is_for_a_person():
    assert scan(" ".join(f"word{n}" for n in range(20_000))).level is Level.REVIEW


@pytest.mark.parametrize(
    "unit", ["a", "kill ", "cut my ", "i ", "aaab", ". ", "é ", "a\u0301", "😀", "not ", "I want to go. "]
)
def test_a_hostile_text_takes_no_longer_than_its_length(unit):
    text = unit * (100_000 // len(unit))
    scan("the patterns are read once")
    start = time.process_time()
    scan(text)

    assert time.process_time() - start < 0.5  # about 0.1 s of the processor; others may be using it too


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=300))
def test_no_text_breaks_the_scan(text):
    assert scan(text).level in Level
