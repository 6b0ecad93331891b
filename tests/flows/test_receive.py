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
from service.models import Attendance, Consent, Delivery, Member, Reply
from service.models.groups import Answer
from service.models.sealed import index_of
from service.rules.consent import MESSAGES, Channel, Refusal
from service.rules.kinds import Kind
from service.rules.lifecycle import State
from tests import builders
from tests.builders import NOW

MOBILE = "+12125550100"


def wrote(parts, text, sender=MOBILE, sid="", at=NOW, says=None):
    """The answer to a text."""
    with parts.open_db() as db:
        written = db.scalars(select(func.count(Reply.id))).one()
        return receive(db, Inbound(sid or f"SM{written}", sender, text, says), at)


def asked(parts, kind=Kind.REMINDER, starts_at=builders.THURSDAY, mobile=MOBILE, name="Anna Bell", **values):
    """A member who was just asked about a session. Returns its id and theirs."""
    with parts.open_db() as db:
        place = builders.group(db, f"Group of {name} on {starts_at}")
        about = builders.session(db, place, starts_at)
        who = db.scalars(select(Member).where(Member.mobile_index == index_of(Channel.SMS, mobile))).first()
        who = who if who and who.name == name else builders.member(db, name, mobile=mobile)
        builders.enrolled(db, place, who)
        sent = {"state": State.DELIVERED, "marked_at": NOW - timedelta(hours=1), "attempts": 1, **values}
        builders.delivery(db, who, about, kind, **sent)
        return about.id, who.id


def answers(parts):
    with parts.read_db() as db:
        return {row.group_session_id: row.answer for row in db.scalars(select(Attendance))}


def replies(parts):
    with parts.read_db() as db:
        return db.scalars(Reply.newest()).all()


def urgent(parts):
    """The ids of those that need a person now."""
    with parts.read_db() as db:
        return [reply.id for reply in db.scalars(Reply.urgent())]


def test_an_answer_is_for_the_session_that_was_asked_about_last(parts):
    asked(parts, starts_at=builders.THURSDAY, marked_at=NOW - timedelta(hours=9))
    later, _ = asked(parts, starts_at=builders.THURSDAY + timedelta(days=1))
    wrote(parts, "C")

    assert answers(parts) == {later: Answer.COMING}


def test_a_changed_mind_counts(parts):
    about, _ = asked(parts)
    wrote(parts, "C")
    wrote(parts, "X")

    assert answers(parts) == {about: Answer.CANNOT}


def test_an_answer_after_the_start_is_for_a_person(parts):
    asked(parts)
    answer = wrote(parts, "C", at=builders.THURSDAY + timedelta(minutes=1))

    assert answers(parts) == {}
    assert "not watched live" in answer


def test_a_reminder_that_never_went_is_no_question(parts):
    asked(parts, state=State.EXPIRED)
    wrote(parts, "C")

    assert answers(parts) == {}


def test_where_two_share_a_phone_and_both_were_asked_a_person_decides(parts):
    asked(parts, name="Anna Bell")
    asked(parts, name="Ben Cole", starts_at=builders.THURSDAY + timedelta(days=1))
    wrote(parts, "C")

    assert answers(parts) == {}
    assert [reply.handled_at for reply in replies(parts)] == [None]


def test_where_two_share_a_phone_and_one_was_asked_the_answer_is_theirs(parts):
    about, who = asked(parts, name="Anna Bell")
    with parts.open_db() as db:
        builders.member(db, "Ben Cole", mobile=MOBILE)
    wrote(parts, "C")

    assert answers(parts) == {about: Answer.COMING}
    assert replies(parts)[0].member_id == who


def test_a_bare_answer_needs_nobody(parts):
    asked(parts)
    wrote(parts, "C")

    assert replies(parts)[0].handled_at == NOW


def test_an_answer_with_words_is_read_by_a_person(parts):
    asked(parts)
    wrote(parts, "X - sick today")

    assert (replies(parts)[0].handled_at, replies(parts)[0].text) == (None, "X - sick today")


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


def test_an_answer_beside_words_of_distress_is_kept_and_a_person_looks(parts):
    about, _ = asked(parts)
    answer = wrote(parts, "C but I want to die")

    assert answers(parts) == {about: Answer.COMING}
    assert "988" in answer
    assert replies(parts)[0].handled_at is None


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
