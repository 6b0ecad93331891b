"""Somebody who writes of danger, and the flags that it makes."""

import time
from datetime import timedelta

from service.flows.alert import Done
from service.flows.answer import Inbound
from service.flows.receive import receive
from service.models.alerts import Outcome
from tests import builders
from tests.builders import NOW

MOBILE = "+12125550100"
WORDS = "I want to die"
DONE = Done(Outcome.CALLED, "I called her. She is with her sister.", timedelta(hours=72))


def wrote(parts, words=WORDS, sender=MOBILE, at=NOW, sid=""):
    with parts.open_db() as db:
        return receive(db, Inbound(sid or f"SM{time.monotonic_ns()}", sender, words), at)


def a_member(parts, **values):
    with parts.open_db() as db:
        return builders.member(db, mobile=MOBILE, **values).id


def staff(db):
    return builders.staff(db, f"{time.monotonic_ns()}@oak.example.org").id
