"""The question for consent ran out: it is put once more, by staff or by the member's own late START."""

import pytest
from sqlalchemy import select

from service.flows import enrol
from service.flows.answer import Inbound
from service.flows.ask_anew import ask_anew, can_be_asked_anew
from service.flows.deliver import deliver
from service.flows.opting import From, not_theirs, opt_out
from service.flows.receive import receive
from service.flows.standing import standing
from service.models import Consent, Delivery, Enrolment, Group, Invitation, Member, Reply
from service.rules.consent import ASKED, Channel, Choice, Purpose
from service.rules.kinds import Kind
from service.rules.understanding import Meaning
from tests import builders
from tests.builders import NOW

MOBILE = "+12125550100"
QUESTION = "Oak St Office: You asked for appointment texts. Reply START to agree."


@pytest.fixture
def asked(parts, clock):
    """A member who was asked for reminders, and let eight days pass."""
    with parts.open_db() as db:
        who = builders.member(db, mobile=MOBILE, agrees=())
        builders.enrolled(db, builders.group(db), who)
        enrol.invite(db, who, [Purpose.REMINDER], None, NOW)
        key = who.id
    clock.go(days=8)
    return key


def says(parts, words, **how):
    with parts.open_db() as db:
        number = len(db.scalars(select(Reply)).all())
        return receive(db, Inbound(f"SM{number}", MOBILE, words, **how), parts.clock())


def agreed(parts, key):
    with parts.read_db() as db:
        who = db.get_one(Member, key)
        return standing(db, who).agreed(Channel.SMS, who.mobile_index)


def may_ask(parts, key):
    with parts.read_db() as db:
        return can_be_asked_anew(db, db.get_one(Member, key), parts.clock())


def ask(parts, key):
    with parts.open_db() as db:
        staff = builders.staff(db, f"{len(db.scalars(select(Invitation)).all())}@oak.example.org")
        return ask_anew(db, db.get_one(Member, key), staff.id, parts.clock())


def newest(parts):
    with parts.read_db() as db:
        return db.scalars(Reply.newest()).first()


def test_staff_ask_again_and_start_means_what_was_asked_for_at_first(parts, post, texts, asked):
    is_asked = ask(parts, asked)
    with parts.read_db() as db:
        ids = db.scalars(select(Delivery.id).where(Delivery.kind == Kind.INVITATION).order_by(Delivery.due_at)).all()
    deliver(post, ids[-1:])
    says(parts, "START")

    assert (is_asked, len(ids)) == (True, 2)
    assert texts.outbox[0].text.startswith(QUESTION)
    assert agreed(parts, asked) == (Purpose.REMINDER,)


def test_while_a_question_waits_for_its_answer_none_follows(parts, asked, clock):
    first, second = ask(parts, asked), ask(parts, asked)
    clock.go(days=6)
    within_the_week = may_ask(parts, asked)
    clock.go(days=2)

    assert (first, second, within_the_week, may_ask(parts, asked)) == (True, False, False, True)


def test_whoever_was_never_asked_is_invited_and_not_asked_again(parts, clock):
    with parts.open_db() as db:
        who = builders.member(db, agrees=())
        builders.enrolled(db, builders.group(db), who)
        key = who.id
    clock.go(days=8)

    assert not may_ask(parts, key)


@pytest.mark.parametrize("why", ["agreed", "opted out", "not theirs", "left", "stopped", "never text", "by email"])
def test_what_speaks_against_a_text_speaks_against_the_question(parts, asked, why):
    now = parts.clock()
    with parts.open_db() as db:
        who = db.get_one(Member, asked)
        whence = From(Channel.SMS, who.mobile_index)
        if why == "agreed":
            builders.agree(db, who)
        elif why == "opted out":
            opt_out(db, [who], whence, "STOP", now, all_channels=False)
        elif why == "not theirs":
            not_theirs(db, [who], who.mobile_index, "wrong number", now)
        elif why == "left":
            enrol.leave(db, db.scalars(select(Enrolment)).one(), now.date(), now)
        elif why == "stopped":
            who.stopped_at = now
        elif why == "never text":
            who.may_text = False
        else:
            who.choice = Choice.EMAIL

    assert (may_ask(parts, asked), ask(parts, asked)) == (False, False)


def test_a_late_start_is_answered_with_the_question_and_the_next_one_counts(parts, asked):
    late = says(parts, "START")
    before = agreed(parts, asked)
    answer = says(parts, "start")

    assert late.startswith(QUESTION)
    assert (before, agreed(parts, asked)) == ((), (Purpose.REMINDER,))
    assert answer.startswith("Oak St Office: You will get appointment texts")


@pytest.mark.parametrize("before", [[], ["STOP"]], ids=["at once", "after STOP"])
def test_the_owner_of_a_wrong_number_is_not_asked_however_often_they_say_start(parts, asked, before):
    for text in [*before, "wrong number"]:
        says(parts, text)
    answers = [says(parts, "START") for _ in range(3)]

    assert not any(answer.startswith(QUESTION) for answer in answers)
    assert (agreed(parts, asked), may_ask(parts, asked), ask(parts, asked)) == ((), False, False)


def test_after_stop_a_start_asks_too(parts, asked):
    says(parts, "STOP")

    assert says(parts, "START").startswith(QUESTION)
    assert agreed(parts, asked) == ()


def test_texts_that_name_the_group_are_not_given_by_an_old_question(parts, clock):
    with parts.open_db() as db:
        who = builders.member(db, mobile=MOBILE, agrees=())
        builders.enrolled(db, builders.group(db), who)
        db.add(enrol.open_invitation(who, who.mobile_index, [*ASKED, Purpose.DETAILED], "words", NOW))
    clock.go(days=8)
    says(parts, "START")
    says(parts, "START")

    with parts.read_db() as db:
        who = db.scalars(select(Member)).one()
        assert set(agreed(parts, who.id)) == set(ASKED)
        assert not standing(db, who).wants_detail(who.mobile_index)


def test_a_start_of_which_nothing_comes_waits_for_a_person(parts):
    with parts.open_db() as db:
        builders.enrolled(db, builders.group(db), builders.member(db, mobile=MOBILE, agrees=()))
    says(parts, "START")

    assert (newest(parts).meaning, newest(parts).handled_at) == (Meaning.WORDS, None)


def test_a_start_that_the_provider_answered_waits_for_a_person_too(parts, asked):
    assert says(parts, "START", provider_says="START") == ""
    assert (newest(parts).meaning, newest(parts).handled_at) == (Meaning.WORDS, None)


def test_a_start_that_did_something_is_done_with(parts, asked):
    says(parts, "START")

    assert (newest(parts).meaning, newest(parts).handled_at) == (Meaning.OPT_IN, parts.clock())


@pytest.fixture
def being_asked(parts, asked, clock):
    """The question went out today."""
    clock.go_to(NOW)
    return asked


@pytest.mark.parametrize("yes", ["yes", "Yes please", "ok", "Si", "I agree", "👍", "sure"])
def test_a_yes_in_other_words_is_told_what_to_answer_and_is_no_consent(parts, being_asked, yes):
    answer = says(parts, yes)
    before = agreed(parts, being_asked)
    says(parts, "START")

    assert answer.startswith(QUESTION)
    assert (before, agreed(parts, being_asked)) == ((), (Purpose.REMINDER,))


@pytest.mark.parametrize("words", ["no", "What is this about?", "who is this", "STOP", "HELP", "I want to die"])
def test_other_words_are_not(parts, being_asked, words):
    assert not says(parts, words).startswith(QUESTION)


def test_after_stop_a_yes_is_answered_with_nothing(parts, being_asked):
    says(parts, "STOP")

    assert says(parts, "yes") == ""


def test_who_agreed_is_not_asked_by_a_yes(parts, being_asked):
    says(parts, "START")

    assert not says(parts, "yes").startswith(QUESTION)


def test_start_after_wrong_number_accepts_no_question_that_is_still_open(parts, being_asked):
    says(parts, "wrong number")
    says(parts, "START")

    assert agreed(parts, being_asked) == ()


def shared_by_two_languages(parts):
    """A phone of two, of whom the first reads English, the second Spanish: both were asked."""
    with parts.open_db() as db:
        for name, language in (("Anna Bell", "en"), ("Bea Cruz", "es")):
            person = enrol.Person(name, MOBILE, "", Choice.SMS, language, "America/New_York", shares_phone=True)
            who = enrol.add_member(db, person, NOW)
            builders.enrolled(db, db.scalars(select(Group)).first() or builders.group(db), who)
            enrol.invite(db, who, [Purpose.REMINDER], None, NOW)


def on_record(parts):
    """By name, the words that each agreed to, and the language of those."""
    with parts.read_db() as db:
        rows = db.execute(select(Consent, Member).join(Member, Member.id == Consent.member_id))
        return {who.name: (row.wording, row.language) for row, who in rows}


def test_of_a_late_start_on_a_shared_phone_the_words_that_went_are_on_record(parts, clock):
    shared_by_two_languages(parts)
    clock.go(days=8)
    went = says(parts, "START")
    says(parts, "START")

    assert went.startswith(QUESTION)
    assert on_record(parts) == {"Anna Bell": (went, "en"), "Bea Cruz": (went, "en")}


def test_whose_question_was_still_to_go_agreed_to_the_one_that_went_to_the_phone_they_share(parts, post, texts):
    shared_by_two_languages(parts)
    with parts.read_db() as db:
        first = db.scalars(select(Delivery).order_by(Delivery.id)).all()
        ids = [row.id for row in first if row.member.name == "Anna Bell"]
    deliver(post, ids)
    says(parts, "START")

    (went,) = texts.outbox
    assert on_record(parts) == {"Anna Bell": (went.text, "en"), "Bea Cruz": (went.text, "en")}


def test_where_both_questions_went_each_agreed_to_their_own(parts, post, texts):
    shared_by_two_languages(parts)
    with parts.read_db() as db:
        ids = list(db.scalars(select(Delivery.id)))
    for one in ids:
        deliver(post, [one])
    says(parts, "START")

    assert {words for words, _ in on_record(parts).values()} == {said.text for said in texts.outbox}
    assert [language for _, language in on_record(parts).values()] == ["en", "es"]
