"""An installation in which every page has something to show."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from service.flows import agreements, attend, enrol, links, second_factor, second_step
from service.flows.escalate import call_people
from service.flows.on_call import Duty, put_on_call, send_test
from service.flows.plan import plan
from service.flows.receive import Inbound, receive
from service.models import Absence, Delivery, Flag, Page, Practice, Reply, Staff
from service.models.groups import Answer, Came, SessionState
from service.models.second_factors import Factor
from service.rules.consent import Channel, Choice, Purpose
from service.rules.kinds import Kind
from service.rules.lifecycle import State
from tests import builders
from tests.builders import NOW

PAYLOAD = "<img src=x onerror=alert(1)>\"'&{{7*7}}"


@dataclass
class Busy:
    """A practice in which everything there is to show is there once, and every text of it is an attack."""

    values: dict[str, UUID] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)


@pytest.fixture
def busy(parts, staff):
    made = Busy()
    with parts.open_db() as db:
        practice = db.scalars(select(Practice)).one()
        practice.name, practice.postal_address = PAYLOAD, PAYLOAD
        db.scalars(select(Staff)).one().name = PAYLOAD
        group = builders.group(db, PAYLOAD, outside_name=PAYLOAD[:40], place=PAYLOAD)
        rule = builders.rule(db, group)
        past = builders.session(db, group, NOW - timedelta(days=2))
        ahead = builders.session(db, group)
        builders.session(db, group, NOW + timedelta(days=5), state=SessionState.CANCELLED)
        person = enrol.Person(PAYLOAD, "+12125550100", "anna@example.org", Choice.BOTH, "en")
        who = enrol.add_member(db, person, NOW)
        words = replace(builders.EVIDENCE, wording=PAYLOAD, taken_by=PAYLOAD, method=PAYLOAD[:40])
        enrol.record_consent(db, who, list(Channel), list(Purpose), words, NOW)
        enrolment = builders.enrolled(db, group, who)
        plan(db, NOW)
        attend.answer(db, ahead, who, Answer.COMING, NOW)
        builders.came(db, past, who, Came.CAME)
        for state in State:
            sent = builders.delivery(
                db,
                who,
                past,
                Kind.REFLECTION,
                state=state,
                marked_at=NOW - timedelta(hours=3),
                reason=PAYLOAD[:40],
                due_at=NOW - timedelta(days=1),
                attempts=1,
            )
            sent.body = PAYLOAD
        receive(db, Inbound("SM1", "+12125550100", PAYLOAD), NOW)
        receive(db, Inbound("SM2", "+12125550999", f"I want to die {PAYLOAD}"), NOW)
        agreements.put(db, group, PAYLOAD, None, NOW)
        past.line = PAYLOAD
        stranger = db.scalars(select(Staff)).one()
        flag = db.scalars(Flag.urgent()).one()
        flag.pattern = PAYLOAD
        call_people(db, NOW)
        page = db.scalars(select(Page)).first()
        contact = put_on_call(db, stranger, Duty("+12125550188"), stranger.id, NOW)
        send_test(db, contact, stranger.id, NOW)
        absence = Absence(staff_id=stranger.id, cover_id=stranger.id, first=NOW.date(), last=NOW.date())
        db.add(absence)
        made.tokens = {
            "me": links.new_link(db, "message", None, member_id=who.id, delivery_id=sent.id),
            "one_click": links.new_link(db, "unsubscribe", None, member_id=who.id),
            "opt_in": links.new_link(db, "opt_in", None, member_id=who.id),
            "member_links": links.new_link(db, "opt_in", None, member_id=who.id),
            "agree": links.new_link(db, agreements.PURPOSE, None, member_id=who.id),
            "sign_in": links.new_link(db, "password", None, staff_id=stranger.id),
        }
        second_factor.begin(db, stranger.id, Factor.APP, parts.machine_clock())
        second_factor.begin(db, stranger.id, Factor.PASSKEY, parts.machine_clock(), b"challenge")
        staff.client.set_cookie("half-way", second_step.begin(db, stranger.id, parts.machine_clock()))
        made.tokens["by_link"] = made.tokens["not_me"] = page.token
        made.tokens["me.ask_to_stop"] = made.tokens["one_click"]
        made.values = {
            "group_id": group.id,
            "session_id": ahead.id,
            "member_id": who.id,
            "enrolment_id": enrolment.id,
            "rule_id": rule.id,
            "staff_id": stranger.id,
            "key": "checkin_0_10",
            "delivery_id": db.scalars(select(Delivery.id).where(Delivery.state == State.SCHEDULED)).first(),
            "flag_id": flag.id,
            "contact_id": contact.id,
            "absence_id": absence.id,
            "reply_id": db.scalars(select(Reply.id)).first(),
        }
    return made
