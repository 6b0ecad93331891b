"""Texts that were sent and heard, removed here, and left at the provider."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from service.flows import retain
from service.flows.answer import Inbound
from service.flows.receive import receive
from service.models import ProviderCopy, Reply
from service.rules.lifecycle import State
from tests import builders
from tests.builders import NOW

DAY = timedelta(days=1)
MOBILE = "+12125550100"


@pytest.fixture
def who(parts):
    with parts.open_db() as db:
        return builders.member(db, mobile=MOBILE)


def sent(parts, who, name, at=NOW - 40 * DAY, state=State.DELIVERED, **values):
    with parts.open_db() as db:
        row = builders.delivery(db, who, state=state, due_at=at, next_at=at, provider_id=name, attempts=1, **values)
        row.body, row.address = "See you", MOBILE
        return row.id


def heard(parts, name, at=NOW - 400 * DAY):
    with parts.open_db() as db:
        receive(db, Inbound(name, MOBILE, "I told my sister"), at)
        db.scalars(select(Reply).where(Reply.provider_id == name)).one().handled_at = at


def remove(parts):
    retain.remove(parts.open_db, NOW, NOW)


def left(parts):
    with parts.read_db() as db:
        return sorted(db.scalars(select(ProviderCopy.provider_id).where(ProviderCopy.is_left())))
