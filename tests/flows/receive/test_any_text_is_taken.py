"""Any text is taken once, whoever sends it: opt-outs count, words are scanned and sealed."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from service.flows import receive as receiving
from service.flows.answer import Inbound
from service.flows.receive import keep_page_reply, receive
from service.flows.standing import standing
from service.flows.suppress import is_suppressed
from service.models import Consent, Delivery, Member, Reply
from service.models.groups import Answer
from service.models.sealed import index_of
from service.rules.consent import MESSAGES, Channel, Refusal
from service.rules.kinds import Kind
from service.rules.lifecycle import State
from tests import builders
from tests.builders import NOW
from tests.flows.receive.conftest import MOBILE, answers, asked, replies, wrote


def urgent(parts):
    """The ids of those that need a person now."""
    with parts.read_db() as db:
        return [reply.id for reply in db.scalars(Reply.urgent())]


def test_stop_takes_back_in_the_same_transaction_what_is_queued(parts):
    with parts.open_db() as db:
        scene = builders.scene(db, mobile=MOBILE)
    with parts.open_db() as db:
        receive(db, Inbound("SM1", MOBILE, "STOP"), NOW)
        row = db.get_one(Delivery, scene.delivery)

        assert (row.state, row.reason) == (State.SUPPRESSED, Refusal.OPTED_OUT)


def test_stop_that_speaks_of_every_channel_ends_the_mails_too(parts):
    with parts.open_db() as db:
        builders.member(db, mobile=MOBILE, email="anna@example.org")
    wrote(parts, "stop contacting me")

    with parts.read_db() as db:
        assert is_suppressed(db, Channel.EMAIL, index_of(Channel.EMAIL, "anna@example.org"))


def test_stop_leaves_the_mails_alone(parts):
    with parts.open_db() as db:
        builders.member(db, mobile=MOBILE, email="anna@example.org")
    wrote(parts, "STOP")

    with parts.read_db() as db:
        assert not is_suppressed(db, Channel.EMAIL, index_of(Channel.EMAIL, "anna@example.org"))


def test_a_strangers_stop_counts(parts):
    wrote(parts, "STOP", sender="+12125550999")

    with parts.read_db() as db:
        assert is_suppressed(db, Channel.SMS, index_of(Channel.SMS, "+12125550999"))


def test_the_same_text_again_has_no_effect_and_no_answer(parts):
    asked(parts)
    first = wrote(parts, "C", sid="SM-same")
    wrote(parts, "X", sid="SM-other")

    assert first != ""
    assert wrote(parts, "C", sid="SM-same", at=NOW + timedelta(days=2)) == ""
    assert set(answers(parts).values()) == {Answer.CANNOT}


@pytest.mark.parametrize("sender", [MOBILE, "+12125550999"], ids=["a member", "a stranger"])
def test_the_same_text_eight_times_at_once_is_one_row_one_effect_and_one_answer(parts, sender):
    asked(parts)
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda _: wrote(parts, "STOP", sender=sender, sid="SM-same"), range(8)))

    assert sum(answer != "" for answer in said) == 1
    assert len(replies(parts)) == 1
    with parts.read_db() as db:
        noes = db.scalars(select(func.count(Consent.seq)).where(Consent.is_yes.is_(False))).one()
    assert noes == (len(MESSAGES) if sender == MOBILE else 0)


def test_a_scan_that_breaks_marks_the_reply_and_the_text_still_works(parts, monkeypatch):
    def broken(text):
        raise RuntimeError("a bug")

    asked(parts)
    monkeypatch.setattr(receiving.distress, "scan", broken)
    answer = wrote(parts, "C")

    assert "See you" in answer
    assert (replies(parts)[0].distress, replies(parts)[0].handled_at) == ("unknown", None)


def test_the_crisis_text_is_sent_once_in_six_hours_and_every_text_is_marked(parts):
    asked(parts)
    first = wrote(parts, "I want to die")
    second = wrote(parts, "I want to die", at=NOW + timedelta(hours=5))
    third = wrote(parts, "I want to die", at=NOW + timedelta(hours=6, minutes=1))

    assert [("988" in answer) for answer in (first, second, third)] == [True, False, True]
    assert len(urgent(parts)) == 3


def test_a_sentence_cut_in_two_texts_is_read_as_one(parts):
    asked(parts)
    wrote(parts, "I want to")
    wrote(parts, "kill myself", at=NOW + timedelta(minutes=1))

    assert replies(parts)[0].id in urgent(parts)


def test_notices_come_once_in_twelve_hours(parts):
    asked(parts)
    said = [wrote(parts, "hello", at=NOW + timedelta(hours=hours)) for hours in (0, 1, 11, 13)]

    assert [answer != "" for answer in said] == [True, False, False, True]


@pytest.mark.parametrize(
    "text",
    [
        "\x00",
        "a\x00b",
        "",
        "   ",
        "😀" * 500,
        "مرحبا بكم",
        "\u202eevil\u202c",
        "x" * 100_000,
        "{sender} {link.__class__}",
    ],
    ids=["nul", "nul inside", "nothing", "spaces", "emoji", "right to left", "turned round", "long", "fields"],
)
def test_any_text_is_taken(parts, text):
    asked(parts)
    answer = wrote(parts, text)

    assert len(replies(parts)) == 1
    assert re.search(r"[{}\x00]", answer) is None


def test_what_is_too_long_to_keep_is_scanned_to_its_end(parts):
    asked(parts)
    wrote(parts, "word " * 5_000 + "I want to die")

    assert replies(parts)[0].id in urgent(parts)


@pytest.mark.parametrize("sender", ["72975", "OAKSTREET", "+15005550001", "Oak St Office ✨"])
def test_any_sender_is_taken(parts, sender):
    wrote(parts, "hello", sender=sender)

    assert replies(parts)[0].address == sender


def test_the_words_and_the_number_are_in_no_column_as_they_are(parts):
    asked(parts)
    wrote(parts, "canary words")
    with parts.read_db() as db:
        rows = db.connection().exec_driver_sql("SELECT * FROM replies").all()

    assert not any(
        word in repr([bytes(v) if isinstance(v, memoryview) else v for v in row])
        for row in rows
        for word in ("canary", MOBILE)
    )


def test_words_left_on_a_page_are_kept_and_scanned(parts):
    asked(parts)
    with parts.open_db() as db:
        keep_page_reply(db, db.scalars(select(Delivery)).one(), "I want to die", NOW)

    assert replies(parts)[0].id in urgent(parts)


def test_a_low_check_in_is_answered_with_where_help_is(parts):
    asked(parts, Kind.CHECKIN)

    assert "Crisis" in wrote(parts, "2")


def test_a_check_in_is_not_commented_upon(parts):
    asked(parts, Kind.CHECKIN)

    assert wrote(parts, "7") == ""


def test_a_wrong_number_is_not_texted_again(parts):
    _, who = asked(parts)
    wrote(parts, "wrong number")

    with parts.read_db() as db:
        member = db.get_one(Member, who)
        assert standing(db, member).is_suppressed(Channel.SMS, member.mobile_index)
