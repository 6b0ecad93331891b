"""Texts written apart from the patterns: six sets, each run before anything was tuned on it (see its `first_run`)."""

import json
from collections import Counter
from pathlib import Path

import pytest

from service.rules.distress import Level, scan
from service.rules.understanding import Meaning, Prompt, understand

HERE = Path(__file__).parent
SETS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(HERE.glob("held_out_*.json"))}
LAST = "held_out_6"
"""One pattern came of it; nothing else is tuned on it, and its first run stands in the file."""
every_set = pytest.mark.parametrize("name", SETS)


@every_set
def test_distress_pages_and_what_sounds_like_it_does_not(name):
    paged, all_of = Counter(), Counter()
    for case in SETS[name]["distress"] + SETS[name]["benign"]:
        all_of[case["category"], case["lang"]] += 1
        paged[case["category"], case["lang"]] += scan(case["text"]).level is Level.CRISIS
    for key in sorted(all_of):
        print(f"  {name} {key[0]:<18} {key[1]}  {paged[key]:>3} of {all_of[key]:>3}")
    found = sum(paged[key] for key in all_of if key[0] != "benign") / len(SETS[name]["distress"])
    false = sum(paged[key] for key in all_of if key[0] == "benign") / len(SETS[name]["benign"])

    assert found >= (0.88 if name == LAST else 0.90)
    assert false <= (0.08 if name == LAST else 0.03)


@every_set
def test_what_calls_nobody_is_at_least_read_soon(name):
    texts = [case["text"] for case in SETS[name]["distress"]]
    missed = [text for text in texts if scan(text).level is Level.NONE]

    assert len(missed) <= 0.08 * len(texts), missed


def test_how_somebodys_week_was_calls_nobody():
    texts = [case["text"] for case in json.loads((HERE / "everyday.json").read_text(encoding="utf-8"))["benign"]]
    levels = [scan(text).level for text in texts]

    assert levels.count(Level.CRISIS) == 0
    assert levels.count(Level.REVIEW) <= 0.05 * len(texts)


@every_set
def test_whoever_asks_for_no_more_texts_gets_none_and_nobody_else_is_cut_off(name):
    for prompts in ((), {Prompt.REMINDER}):
        opted_out = {case["text"] for case in SETS[name]["opt_out"] if meant(case, prompts) is Meaning.OPT_OUT}
        asked = {case["text"] for case in SETS[name]["opt_out"] if case["category"] == "opt_out"}

        assert opted_out - asked == set()
        assert len(opted_out) >= 0.95 * len(asked)


@every_set
def test_answers_are_understood_as_they_were_meant(name):
    cases = SETS[name]["answers"]
    missed = [case["text"] for case in cases if answer(case) != case["expect"]]

    assert len(missed) <= 0.05 * len(cases), missed


def test_no_sentence_of_distress_is_an_opt_out_unless_it_asks_for_it():
    texts = [case["text"] for name in SETS for case in SETS[name]["distress"]]
    cut_off = [text for text in texts if understand(text).meaning is Meaning.OPT_OUT]

    assert cut_off == ["me revisa el celular todo el tiempo no me escriban"]


@pytest.mark.parametrize("text", ["yes it helped to hear the others", "ok", "no it was hard", "I walked for a while"])
def test_a_private_reflection_is_not_shown_because_it_begins_with_yes_or_no(text):
    assert not understand(text, {Prompt.REFLECTION}).is_practical


def meant(case, prompts):
    return understand(case["text"], prompts, language=case["lang"]).meaning


def answer(case):
    understood = understand(case["text"], {Prompt(case["prompt"])}, language=case["lang"])
    if case["prompt"] == "reflection" and understood.is_practical:
        return "practical"
    return str(understood.goal or understood.meaning)
