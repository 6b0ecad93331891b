"""What each text of the vectors means: opt-outs, answers, scores, and what a person reads."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from service.rules.understanding import GoalAnswer, Meaning, Prompt, understand

VECTORS = Path(__file__).parents[1] / "vectors"
ROUTING = json.loads((VECTORS / "keyword_routing.json").read_text(encoding="utf-8"))["cases"]
STOPS = json.loads((VECTORS / "stop_keywords.json").read_text(encoding="utf-8"))["cases"]
RECORDS = {
    "attendance=yes": (Meaning.COMING, None),
    "attendance=no": (Meaning.CANNOT, None),
    "late note": (Meaning.LATE, None),
    "goal=did": (Meaning.GOAL, GoalAnswer.DID),
    "goal=not_yet": (Meaning.GOAL, GoalAnswer.NOT_YET),
}
CLASSES = {
    "opt_out": {Meaning.OPT_OUT},
    "opt_out_free_text": {Meaning.OPT_OUT},
    "opt_out_variant": {Meaning.OPT_OUT},
    "opt_out_other_language": {Meaning.OPT_OUT},
    "opt_in": {Meaning.OPT_IN},
    "help": {Meaning.HELP},
    "answer": {Meaning.WORDS},
    "answer_or_rsvp": {Meaning.WORDS},
    "crisis_free_text": {Meaning.WORDS},
    "empty": {Meaning.EMPTY},
}


def understood(case):
    context = case["context"]
    prompts = () if context["open_prompt"] == "none" else map(Prompt, context["open_prompt"].split("+"))
    return understand(
        case["inbound"],
        open_prompts=set(prompts),
        was_opted_out=context["opt_state"] == "out",
        language=case.get("lang", "en"),
        provider_says=context["provider_OptOutType"],
    )


def routing(key, keep=lambda value: True):
    chosen = [case for case in ROUTING if key in case["expect"] and keep(case["expect"][key])]
    return pytest.mark.parametrize("case", chosen, ids=[f"{case['id']} {case['inbound']}" for case in chosen])


@routing("opt_state_after")
def test_nobody_is_opted_out_or_in_but_those_who_say_so(case):
    before, after = case["context"]["opt_state"], case["expect"]["opt_state_after"].split()[0]
    meaning = understood(case).meaning

    assert (meaning is Meaning.OPT_OUT) == (before == "in" and after == "out")
    assert (meaning is Meaning.WRONG_NUMBER) == (after == "suppressed:")
    if before == "out":
        assert (meaning is Meaning.OPT_IN) == (after == "in")


@routing("matched_by")
def test_it_is_known_how_an_opt_out_was_said(case):
    assert understood(case).matched_by == case["expect"]["matched_by"]


@routing("scope")
def test_an_opt_out_may_be_meant_for_all_channels(case):
    assert understood(case).all_channels


@routing("record", lambda record: record in RECORDS)
def test_answers_are_recorded_as_meant(case):
    meant = understood(case)

    assert (meant.meaning, meant.goal) == RECORDS[case["expect"]["record"]]


@routing("record", lambda record: record.startswith("score="))
def test_a_score_is_the_number_that_was_written(case):
    expected = case["expect"]["record"].removeprefix("score=").split()[0]

    assert understood(case).score == Decimal(expected)


@routing("record", lambda record: record in ("none", "free_text"))
def test_what_answers_nothing_records_nothing(case):
    assert understood(case).meaning in (Meaning.WORDS, Meaning.EMPTY, Meaning.AUTOMATIC)


@routing("reply", lambda reply: reply.startswith(("help_reply", "unknown_reply")))
def test_help_is_told_from_what_is_not_understood(case):
    expected = Meaning.HELP if case["expect"]["reply"].startswith("help") else Meaning.WORDS

    assert understood(case).meaning is expected


@routing("staff", lambda staff: "meant the visit" in staff)
def test_cancel_near_a_visit_is_asked_about(case):
    assert understood(case).may_mean_the_visit


@routing("staff", lambda staff: "fewer" in staff)
def test_a_wish_for_fewer_is_no_opt_out(case):
    assert understood(case).fewer


@routing("staff", lambda staff: "urgent order" in staff)
def test_a_call_for_help_is_first_among_what_a_person_reads(case):
    assert understood(case).asks_for_help


@pytest.mark.parametrize("case", STOPS, ids=[case["body"] for case in STOPS])
def test_keywords_of_the_provider_are_understood_as_it_does(case):
    # YES restarts only together with the provider's own word for it (R30, against the vectors' policy)
    provider = case["expected_OptOutType_with_advanced_opt_out"]

    assert understand(case["body"], (), True, "en", provider).meaning in CLASSES[case["class"]]
