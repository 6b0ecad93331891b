"""Every match is a flag in the text's own transaction, whoever wrote it and whatever breaks afterwards."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from service.channels.sendgrid_inbound import InboundMail
from service.flows import receive as receiving
from service.flows.alert import Done, acknowledge, close
from service.flows.opting import From, opt_out
from service.flows.receive_mail import receive_mail
from service.models import Flag, Member, Reply
from service.models.alerts import Outcome
from service.rules.consent import Channel
from tests.builders import NOW
from tests.flows.alert.conftest import DONE, WORDS, a_member, staff, wrote


def flags(parts):
    with parts.read_db() as db:
        return db.scalars(Flag.open()).all()


def test_a_match_makes_an_urgent_flag_for_which_people_are_called_at_once(parts):
    who = a_member(parts)
    answer = wrote(parts)
    (flag,) = flags(parts)

    assert (flag.member_id, flag.is_urgent, flag.category, flag.call_at) == (who, True, "immediate", NOW)
    assert "988" in answer


def test_a_stranger_makes_one_too(parts):
    wrote(parts, sender="+12125550999")

    assert [(flag.member_id, flag.is_urgent) for flag in flags(parts)] == [(None, True)]


def test_so_does_whoever_opted_out(parts):
    who = a_member(parts)
    with parts.open_db() as db:
        member = db.get_one(Member, who)
        opt_out(db, [member], From(Channel.SMS, member.mobile_index), "STOP", NOW, all_channels=False)
    wrote(parts)

    assert [flag.member_id for flag in flags(parts)] == [who]


def test_so_does_a_mail(parts):
    with parts.open_db() as db:
        receive_mail(db, InboundMail("mail:1", "anna@example.org", WORDS, False), NOW)

    assert [flag.is_urgent for flag in flags(parts)] == [True]


def test_what_needs_only_a_look_is_a_flag_that_calls_nobody(parts):
    a_member(parts)
    wrote(parts, "I can't do this anymore")

    assert [(flag.is_urgent, flag.category, flag.call_at) for flag in flags(parts)] == [(False, "review", None)]


def test_what_is_nothing_makes_no_flag(parts):
    a_member(parts)
    wrote(parts, "see you thursday")

    assert flags(parts) == []


def test_a_scan_that_fails_makes_a_flag_and_answers_nothing_about_distress(parts, monkeypatch):
    def broken(text):
        raise RuntimeError("the scan")

    a_member(parts)
    monkeypatch.setattr(receiving.distress, "scan", broken)
    answer = wrote(parts, "see you thursday")

    assert [(flag.is_urgent, flag.category) for flag in flags(parts)] == [(True, "unknown")]
    assert "if you may be in danger" not in answer.lower()


def test_a_scan_that_cannot_read_the_earlier_texts_makes_a_flag(parts, monkeypatch):
    def broken(*_):
        raise RuntimeError("the database")

    a_member(parts)
    monkeypatch.setattr(receiving.converse, "recent_words", broken)
    wrote(parts, "see you thursday")

    assert [flag.category for flag in flags(parts)] == ["unknown"]


def bug(db, heard, now):
    raise RuntimeError("a bug")


def refused_by_the_database(db, heard, now):
    practice = db.execute(text("SELECT id FROM practices")).first()
    db.execute(text("INSERT INTO contacts (id) VALUES (NULL)"), {"id": practice})


@pytest.mark.parametrize("breaks", [bug, refused_by_the_database])
def test_what_breaks_while_the_text_is_acted_on_leaves_the_flag_and_the_answer(parts, monkeypatch, breaks):
    a_member(parts)
    monkeypatch.setattr(receiving, "act", breaks)
    answer = wrote(parts)

    assert [flag.is_urgent for flag in flags(parts)] == [True]
    assert "988" in answer
    with parts.read_db() as db:
        kept = db.scalars(select(Reply)).one()
    assert (kept.text, kept.handled_at, kept.answered_with) == (WORDS, None, "crisis_auto_reply_US")


def test_without_a_flag_the_provider_is_left_to_send_the_text_again(parts, monkeypatch):
    a_member(parts)
    monkeypatch.setattr(receiving, "act", refused_by_the_database)
    with pytest.raises(IntegrityError):
        wrote(parts, "see you thursday")

    with parts.read_db() as db:
        assert db.scalars(select(Reply)).all() == []


def test_fifty_texts_in_a_second_are_one_flag_with_fifty_texts_and_one_answer(parts):
    a_member(parts)

    def write(number):
        return wrote(parts, f"{WORDS} {number}", sid=f"SM{number}")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(write, range(50)))
    (flag,) = flags(parts)

    with parts.read_db() as db:
        assert len(db.scalars(select(Reply).where(Reply.flag_id == flag.id)).all()) == 50
    assert sum(bool(answer) for answer in answers) == 1


def test_the_same_text_again_makes_no_second_flag(parts):
    a_member(parts)
    wrote(parts, sid="SM1")
    wrote(parts, sid="SM1")

    assert len(flags(parts)) == 1


def test_what_comes_after_somebody_has_taken_it_up_calls_people_anew(parts):
    a_member(parts)
    wrote(parts)
    with parts.open_db() as db:
        acknowledge(db, db.scalars(Flag.open()).one(), staff(db), NOW)
    wrote(parts, at=NOW + timedelta(minutes=5))

    assert [flag.acknowledged_at for flag in flags(parts)] == [NOW, None]


def test_a_flag_is_taken_up_by_one_person(parts):
    wrote(parts)
    with parts.open_db() as db:
        flag = db.scalars(Flag.open()).one()
        first, second = staff(db), staff(db)
        taken = [acknowledge(db, flag, one, NOW) for one in (first, second)]

        assert (taken, flag.acknowledged_by) == ([True, False], first)


def test_a_closed_flag_stays_as_it_was_closed(parts):
    wrote(parts)
    with parts.open_db() as db:
        flag = db.scalars(Flag.open()).one()
        by = staff(db)
        close(db, flag, by, DONE, NOW)
        again = close(db, flag, by, Done(Outcome.NOT_A_CRISIS, "never mind", timedelta()), NOW)

        assert (again, flag.outcome, flag.record) == (False, Outcome.CALLED, DONE.record)
        assert db.scalars(Reply.unhandled()).all() == []
