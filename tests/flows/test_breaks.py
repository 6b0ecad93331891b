"""LESS, PAUSE and a wrong number, by text: what each takes back, what goes on, and what START means after it."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from service import texts
from service.flows.answer import Inbound
from service.flows.receive import receive
from service.flows.standing import standing
from service.models import Consent, Delivery, Member, Practice, Reply
from service.rules.consent import MESSAGES, Channel, Purpose, Refusal
from service.rules.kinds import Kind
from service.rules.lifecycle import State
from tests import builders
from tests.builders import NOW, local

MOBILE = "+12125550100"


@pytest.fixture
def made(parts):
    """A member with a check-in that waits to go out."""
    with parts.open_db() as db:
        return builders.scene(db, Kind.CHECKIN, 24 * builders.HOURS, mobile=MOBILE)


def wrote(parts, text, at=NOW):
    with parts.open_db() as db:
        number = len(db.scalars(select(Reply)).all())
        return receive(db, Inbound(f"SM{number}", MOBILE, text), at)


def words(parts, key, language="en", **values):
    with parts.read_db() as db:
        return texts.sms(key, db.scalars(select(Practice)).one(), language, values)


def agreed(parts):
    with parts.read_db() as db:
        who = db.scalars(select(Member)).one()
        return set(standing(db, who).agreed(Channel.SMS, who.mobile_index))


def fate(parts, made):
    with parts.read_db() as db:
        row = db.get_one(Delivery, made.delivery)
        return row.state, row.reason


def paused_until(parts):
    with parts.read_db() as db:
        return db.scalars(select(Member)).one().paused_until


@pytest.mark.parametrize("text", ["LESS", "less", "Menos", "less please"])
def test_less_leaves_reminders_only_and_takes_back_what_waits(parts, made, text):
    answer = wrote(parts, text)

    assert answer == words(parts, "less_reply")
    assert agreed(parts) == {Purpose.REMINDER}
    assert fate(parts, made) == (State.SUPPRESSED, Refusal.NO_CONSENT)


def test_less_is_kept_in_the_ledger_and_done_with(parts, made):
    wrote(parts, "LESS")

    with parts.read_db() as db:
        noes = db.scalars(select(Consent).where(Consent.is_yes.is_(False))).all()
        assert db.scalars(Reply.unhandled()).all() == []
    assert {(row.method, row.purpose) for row in noes} == {
        ("text LESS", purpose) for purpose in MESSAGES if purpose is not Purpose.REMINDER
    }


def test_start_after_less_and_stop_gives_back_reminders_only(parts, made):
    for text in ("LESS", "STOP", "START"):
        wrote(parts, text)

    assert agreed(parts) == {Purpose.REMINDER}


def test_less_of_one_who_gets_nothing_is_for_a_person(parts):
    with parts.open_db() as db:
        builders.member(db, mobile=MOBILE, agrees=())

    assert wrote(parts, "LESS") == words(parts, "unknown_reply")


@pytest.mark.parametrize(
    ("text", "until"),
    [("PAUSE", "2027-01-18"), ("pause 1 week", "2027-01-11"), ("PAUSE until Jan 20", "2027-01-20")],
)
def test_pause_says_until_when_and_holds_back_questions_only(parts, made, text, until):
    answer = wrote(parts, text)
    ends = local(f"{until} 00:00")

    assert paused_until(parts) == ends
    assert answer == words(parts, "pause_reply", day=f"{ends:%a %b} {ends.day}")
    assert agreed(parts) == set(MESSAGES)


def test_pause_is_answered_in_the_members_language(parts):
    with parts.open_db() as db:
        builders.member(db, mobile=MOBILE, language="es")

    assert wrote(parts, "PAUSA 1 semana") == words(parts, "pause_reply", "es", day="lun 11 ene")


def test_start_ends_a_break(parts, made):
    wrote(parts, "PAUSE")
    answer = wrote(parts, "START", NOW + timedelta(hours=1))

    assert (paused_until(parts), answer) == (None, words(parts, "start_reply"))


def test_whoever_has_a_wrong_number_gets_nothing_and_their_start_gives_nothing(parts, made):
    answer = wrote(parts, "wrong number")
    silent = fate(parts, made)
    wrote(parts, "START", NOW + timedelta(hours=1))

    assert answer == words(parts, "wrong_number_ack")
    assert silent == (State.SUPPRESSED, Refusal.OPTED_OUT)
    assert agreed(parts) == set()
    assert fate(parts, made)[0] is State.SUPPRESSED


def test_who_says_stop_and_then_that_the_number_is_not_theirs_gives_nothing_back_by_start(parts, made):
    for hours, text in enumerate(("STOP", "wrong number", "START", "STOP", "START")):
        wrote(parts, text, NOW + timedelta(hours=hours))

    assert agreed(parts) == set()
    assert fate(parts, made)[0] is State.SUPPRESSED


def test_a_wrong_number_waits_for_a_person(parts, made):
    wrote(parts, "numero equivocado")

    with parts.read_db() as db:
        assert db.scalars(Reply.unhandled()).one().meaning == "wrong_number"
