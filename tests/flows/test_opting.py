import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from service import texts
from service.flows import enrol
from service.flows.answer import Inbound
from service.flows.opting import From, accept_invitation, opt_in, opt_out
from service.flows.plan import plan
from service.flows.receive import receive
from service.flows.standing import standing
from service.flows.suppress import is_suppressed
from service.models import Consent, Delivery, Invitation, Member, Practice
from service.rules.consent import MESSAGES, Channel, Choice, Purpose
from service.rules.kinds import Kind
from service.rules.lifecycle import State
from tests import builders
from tests.builders import NOW

MOBILE = "+12125550100"


def agreed(db, who):
    return set(standing(db, who).agreed(Channel.SMS, who.mobile_index))


def invited(parts, *purposes, name="Anna Bell", shares=False):
    with parts.open_db() as db:
        person = enrol.Person(name, MOBILE, "", Choice.SMS, "en", "America/New_York", shares_phone=shares)
        who = enrol.add_member(db, person, NOW)
        enrol.invite(db, who, purposes, None, NOW)
        return who.id


def start(parts, at=NOW, words="START"):
    with parts.open_db() as db:
        return receive(db, Inbound(f"SM{at}{words}", MOBILE, words), at)


def in_force(parts, key):
    with parts.read_db() as db:
        return agreed(db, db.get_one(Member, key))


def test_start_grants_exactly_the_purposes_that_were_asked_for(parts):
    key = invited(parts, Purpose.REMINDER, Purpose.CHECKIN)
    answer = start(parts)

    assert in_force(parts, key) == {Purpose.REMINDER, Purpose.CHECKIN}
    assert "You will get appointment texts" in answer


def test_a_reminder_that_is_due_follows_the_start(parts):
    key = invited(parts, Purpose.REMINDER)
    with parts.open_db() as db:
        place = builders.group(db)
        builders.session(db, place)
        builders.rule(db, place, minutes=5 * 24 * builders.HOURS)
        enrol.join(db, place, db.get_one(Member, key), builders.TODAY, NOW)
    start(parts)

    with parts.read_db() as db:
        due = db.scalars(select(Delivery).where(Delivery.kind == Kind.REMINDER)).one()
        assert (due.state, due.next_at <= NOW + timedelta(minutes=1)) == (State.SCHEDULED, True)


@pytest.mark.parametrize("words", ["yes", "ok", "C", "sure!", "1"])
def test_nothing_but_start_accepts_an_invitation(parts, words):
    key = invited(parts, Purpose.REMINDER)
    start(parts, words=words)

    assert in_force(parts, key) == set()


def test_an_invitation_that_is_a_week_old_is_no_invitation(parts):
    key = invited(parts, Purpose.REMINDER)
    start(parts, at=NOW + timedelta(days=7, seconds=1))

    assert in_force(parts, key) == set()


def test_an_invitation_is_accepted_once(parts):
    invited(parts, Purpose.REMINDER)
    start(parts)
    start(parts, at=NOW + timedelta(minutes=1))

    with parts.read_db() as db:
        assert len(db.scalars(select(Consent)).all()) == 1
        assert db.scalars(select(Invitation)).one().accepted_at == NOW


def test_the_yes_is_kept_with_the_question_and_the_words_it_was_said_in(parts):
    invited(parts, Purpose.REMINDER)
    start(parts, words="Start please")

    with parts.read_db() as db:
        row = db.scalars(select(Consent)).one()
        question = texts.sms("opt_in_request", db.scalars(select(Practice)).one(), "en", {})
    assert (row.wording, row.method, row.taken_by) == (question, "text START", "member")
    ground = "prior express consent (47 CFR 64.1200)"
    assert json.loads(row.proof) == {"address": MOBILE, "said": "Start please", "legal ground": ground}


def test_start_from_another_number_accepts_nothing(parts):
    key = invited(parts, Purpose.REMINDER)
    with parts.open_db() as db:
        receive(db, Inbound("SM1", "+12125550999", "START"), NOW)

    assert in_force(parts, key) == set()


def test_stop_to_an_invitation_ends_it_until_they_start_themselves(parts):
    key = invited(parts, Purpose.REMINDER)
    start(parts, words="STOP")
    stopped = in_force(parts, key)
    start(parts, at=NOW + timedelta(hours=1))

    assert (stopped, in_force(parts, key)) == (set(), {Purpose.REMINDER})


def test_an_opt_out_is_written_down_for_each_purpose_that_was_in_force(parts):
    with parts.open_db() as db:
        who = builders.member(db, mobile=MOBILE, agrees=[Purpose.REMINDER, Purpose.CHECKIN])
        opt_out(db, [who], From(Channel.SMS, who.mobile_index), "STOP", NOW, all_channels=False)
        noes = db.scalars(select(Consent).where(Consent.is_yes.is_(False))).all()

    assert {row.purpose for row in noes} == {Purpose.REMINDER, Purpose.CHECKIN}
    assert {json.loads(row.proof)["said"] for row in noes} == {"STOP"}


def test_what_was_stopped_comes_back_and_what_was_withdrawn_before_does_not(parts):
    with parts.open_db() as db:
        who = builders.member(db, mobile=MOBILE)
        builders.withdraw(db, who, [Purpose.CHECKIN])
        before = agreed(db, who)
        opt_out(db, [who], From(Channel.SMS, who.mobile_index), "STOP", NOW, all_channels=False)
        opt_in(db, [who], who.mobile_index, "START", NOW)

        assert agreed(db, who) == before == set(MESSAGES) - {Purpose.CHECKIN}


def test_start_without_a_stop_gives_nothing_new(parts):
    with parts.open_db() as db:
        who = builders.member(db, mobile=MOBILE, agrees=[Purpose.REMINDER])
        opt_in(db, [who], who.mobile_index, "START", NOW)

        assert agreed(db, who) == {Purpose.REMINDER}


def test_stop_ends_it_for_everybody_who_shares_the_phone(parts):
    with parts.open_db() as db:
        both = [builders.member(db, name, mobile=MOBILE) for name in ("Anna Bell", "Ben Cole")]
        opt_out(db, both, From(Channel.SMS, both[0].mobile_index), "STOP", NOW, all_channels=False)

        assert [agreed(db, who) for who in both] == [set(), set()]
        assert is_suppressed(db, Channel.SMS, both[1].mobile_index)


def test_only_those_who_were_asked_accept(parts):
    asked = invited(parts, Purpose.REMINDER)
    with parts.open_db() as db:
        other = builders.member(db, "Ben Cole", mobile=MOBILE, agrees=())
        members = [db.get_one(Member, asked), other]
        accept_invitation(db, members, other.mobile_index, "START", NOW)

        assert [agreed(db, who) for who in members] == [{Purpose.REMINDER}, set()]


def test_what_was_planned_before_the_stop_is_planned_again_after_the_start(parts):
    with parts.open_db() as db:
        scene = builders.scene(db, mobile=MOBILE)
    start(parts, words="STOP")
    start(parts, at=NOW + timedelta(hours=1))
    with parts.open_db() as db:
        plan(db, NOW + timedelta(hours=1))

        states = {row.state for row in db.scalars(select(Delivery).where(Delivery.rule_id == scene.rule))}
    assert State.SCHEDULED in states
