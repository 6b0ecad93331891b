"""Texts through the real, signed webhook: every case of the vectors, with what this cut does of it."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from service import texts
from service.flows.opting import From, opt_out
from service.flows.standing import standing
from service.flows.suppress import is_suppressed
from service.models import Attendance, CheckIn, Consent, GroupSession, Member, Practice, Reply
from service.models.groups import Answer
from service.models.sealed import index_of
from service.rules.consent import Channel, Purpose
from service.rules.kinds import Kind
from service.rules.lifecycle import State
from tests import builders
from tests.builders import NOW
from tests.web.conftest import VECTORS

ROUTING = json.loads((VECTORS / "keyword_routing.json").read_text("utf-8"))["cases"]
STOPS = json.loads((VECTORS / "stop_keywords.json").read_text("utf-8"))["cases"]
MOBILE = "+12125550100"
KINDS = {"reminder": Kind.REMINDER, "checkin": Kind.CHECKIN, "reflection": Kind.REFLECTION, "goal": Kind.GOAL}

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def set_up(parts, prompts=(), opt_state="in"):
    """A member who agreed to everything and was asked this; or was and said STOP; or nobody."""
    with parts.open_db() as db:
        if opt_state == "unknown_number":
            return
        who = builders.member(db, mobile=MOBILE)
        about = builders.session(db, builders.group(db))
        for age, prompt in enumerate(prompts):
            asked = NOW - timedelta(hours=1 + age)
            builders.delivery(db, who, about, KINDS[prompt], state=State.DELIVERED, marked_at=asked, attempts=1)
        if opt_state == "out":
            opt_out(db, [who], From(Channel.SMS, who.mobile_index), "STOP", NOW - timedelta(days=1), all_channels=False)


def words(parts, key, language="en"):
    """The template's words, with the values of the session in it."""
    with parts.read_db() as db:
        practice = db.scalars(select(Practice)).one()
        group_session, who = db.scalars(select(GroupSession)).first(), db.scalars(select(Member)).first()
        values = texts.fields_of(group_session, who, practice) if group_session and who else {}
        return texts.sms(key, practice, language, values)


def opt_state(parts):
    with parts.read_db() as db:
        index = index_of(Channel.SMS, MOBILE)
        who = db.scalars(select(Member)).first()
        if is_suppressed(db, Channel.SMS, index):
            return "out"
        return "in" if who and standing(db, who).agreed(Channel.SMS, index) else "none"


def heard(twilio, case):
    says = case["context"]["provider_OptOutType"]
    return twilio.said(MOBILE, case["inbound"], **({"OptOutType": says} if says else {}))


def prompts(case):
    named = case["context"]["open_prompt"].split("+")
    return [name for name in named if name in KINDS]


def routing(chosen):
    return pytest.mark.parametrize("case", chosen, ids=[f"{case['id']} {case['inbound']}" for case in chosen])


def allowed(parts, case):
    """The answers that a case allows, word for word; "" is none."""
    said = case["expect"]["reply"]
    if case["context"]["provider_OptOutType"]:
        return {""}
    language = "es" if "(es)" in said else "en"
    keys = [word for word in said.replace(",", " ").split() if "_" in word or word == "none"]
    if "none if the provider" in said:
        keys.remove("none")
    keys = ["crisis_auto_reply_US" if key == "crisis_auto_reply" else key for key in keys]
    return {"" if key == "none" else words(parts, key, language) for key in keys}


@routing([case for case in ROUTING if "reply" in case["expect"]])
def test_every_text_is_answered_as_the_routing_says_and_word_for_word_by_its_template(parts, twilio, case):
    set_up(parts, prompts(case), case["context"]["opt_state"])

    assert heard(twilio, case) in allowed(parts, case)


@routing([case for case in ROUTING if "opt_state_after" in case["expect"]])
def test_whoever_is_out_or_in_after_a_text_is_so_by_the_routing(parts, twilio, case):
    before = case["context"]["opt_state"]
    set_up(parts, prompts(case), before)
    heard(twilio, case)

    after = case["expect"]["opt_state_after"].split()[0]
    wanted = {"unchanged": before, "suppressed:": "out"}.get(after, after)
    assert opt_state(parts) == wanted


@routing([case for case in ROUTING if case["expect"].get("record", "").startswith("attendance")])
def test_attendance_is_recorded_as_the_text_says(parts, twilio, case):
    set_up(parts, prompts(case))
    heard(twilio, case)

    with parts.read_db() as db:
        said = db.scalars(select(Attendance)).one().answer
    assert said is (Answer.COMING if case["expect"]["record"].endswith("yes") else Answer.CANNOT)


@routing([case for case in ROUTING if case["expect"].get("record", "").startswith(("score", "goal"))])
def test_scores_and_goals_are_kept_as_the_text_says(parts, twilio, case):
    set_up(parts, prompts(case))
    heard(twilio, case)

    with parts.read_db() as db:
        assert db.scalars(select(CheckIn)).one().answer == case["expect"]["record"].split()[0].partition("=")[2]


@routing([case for case in ROUTING if case["expect"].get("record") == "none"])
def test_what_answers_nothing_records_nothing(parts, twilio, case):
    set_up(parts, prompts(case))
    heard(twilio, case)

    with parts.read_db() as db:
        assert db.scalars(select(Attendance)).all() == []


@routing([case for case in ROUTING if "staff" in case["expect"]])
def test_what_staff_must_see_waits_for_them(parts, twilio, case):
    set_up(parts, prompts(case))
    heard(twilio, case)

    with parts.read_db() as db:
        reply = db.scalars(Reply.unhandled()).one()
        assert db.scalars(Reply.urgent()).all() == ([reply] if case["expect"]["staff"] == "page" else [])


@pytest.mark.parametrize("case", STOPS, ids=[case["body"] or "nothing" for case in STOPS])
def test_stop_in_its_many_spellings_stops_and_what_only_holds_the_word_does_not(parts, twilio, case):
    wants_in = case["class"] == "opt_in"
    set_up(parts, opt_state="out" if wants_in else "in")
    says = case.get("expected_OptOutType_with_advanced_opt_out")
    twilio.said(MOBILE, case["body"], **({"OptOutType": says} if says else {}))

    is_out = case["class"].startswith("opt_out")
    assert opt_state(parts) == ("out" if is_out else "in")


@pytest.mark.parametrize("says", ["STOP", "HELP"])
def test_where_the_provider_has_answered_we_are_silent(parts, twilio, says):
    set_up(parts)

    assert twilio.said(MOBILE, says, OptOutType=says) == ""


def test_whoever_opted_out_hears_it_once(parts, twilio):
    set_up(parts)

    assert [bool(twilio.said(MOBILE, "STOP")) for _ in range(3)] == [True, False, False]


@pytest.mark.parametrize("text", ["hello?", "C", "who is this", "I can't do this anymore"])
def test_whoever_opted_out_is_told_nothing_more(parts, twilio, text):
    set_up(parts, ["reminder"], "out")

    assert twilio.said(MOBILE, text) == ""


def test_whoever_opted_out_still_gets_the_crisis_text(parts, twilio):
    set_up(parts, opt_state="out")

    assert twilio.said(MOBILE, "I want to die") == words(parts, "crisis_auto_reply_US")


def test_start_after_stop_gives_back_what_was_there_and_nothing_new(parts, twilio):
    with parts.open_db() as db:
        builders.member(db, mobile=MOBILE, agrees=[Purpose.REMINDER])
    twilio.said(MOBILE, "STOP")
    answer = twilio.said(MOBILE, "START")

    with parts.read_db() as db:
        who = db.scalars(select(Member)).one()
        assert standing(db, who).agreed(Channel.SMS, who.mobile_index) == (Purpose.REMINDER,)
    assert answer == words(parts, "start_reply")


def test_a_strangers_start_makes_nothing(parts, twilio):
    twilio.said("+12125550999", "START")

    with parts.read_db() as db:
        assert (db.scalars(select(Member)).all(), db.scalars(select(Consent)).all()) == ([], [])


def test_a_stranger_learns_nothing_of_who_is_a_member(parts, twilio):
    set_up(parts)
    to_stranger = twilio.said("+12125550999", "Is Anna in your group?")

    assert to_stranger == words(parts, "unknown_sender")
    assert "Anna" not in to_stranger


def test_an_answer_to_the_reminder_counts_though_a_check_in_was_asked_since(parts, twilio):
    set_up(parts, ["checkin", "reminder"])

    assert twilio.said(MOBILE, "C") == words(parts, "confirm_ack")
