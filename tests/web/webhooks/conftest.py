"""What providers post to us, and what it leaves."""

import pytest

from service.models import Delivery, Reply
from service.rules.consent import Channel
from service.rules.lifecycle import State
from tests import builders

WEBHOOKS = (
    "/webhooks/twilio/inbound",
    "/webhooks/twilio/status",
    "/webhooks/sendgrid/events",
    "/webhooks/sendgrid/inbound",
)
MOBILE = "+12125550100"
ADDRESS = "anna@example.org"


def each(cases, key="id"):
    return pytest.mark.parametrize("case", cases, ids=[case[key] for case in cases])


def sent(parts, channel=Channel.SMS, state=State.ACCEPTED):
    with parts.open_db() as db:
        who = builders.member(db, mobile=MOBILE, email=ADDRESS)
        about = builders.session(db, builders.group(db))
        given = {"attempts": 1, "address_index": who.address_index(channel), "provider_id": "SM1"}
        return builders.delivery(db, who, about, channel=channel, state=state, **given).id


def state(parts, delivery_id):
    with parts.read_db() as db:
        return db.get_one(Delivery, delivery_id).state


def replies(parts):
    with parts.read_db() as db:
        return db.scalars(Reply.newest()).all()
