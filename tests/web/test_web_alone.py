"""The web process with nothing beside it: no worker, no clock, no Valkey. Distress is answered, flagged, and paged."""

import json
import time
import urllib.request
from statistics import quantiles
from urllib.parse import urlencode

import pytest
from sqlalchemy import select
from twilio.request_validator import RequestValidator

from service.database import connect, reader
from service.flows.on_call import Duty, put_on_call
from service.models import Flag, Page, Reply
from service.models.alerts import PageState
from tests import builders
from tests.builders import NOW, on_sqlite
from tests.web.serving import serving, until

TEXTS = 40
LIMIT = 10.0
"""Seconds in which whoever wrote has their answer, of nineteen in twenty."""


def take_over(asked):
    """As both providers do."""
    if asked.path.endswith("Messages.json"):
        asked.say(201, json.dumps({"sid": f"SM{len(asked.server.requests):032x}"}).encode())
    else:
        asked.say(202, b"", X_Message_Id="mail")


@pytest.fixture
def alone(parts, environ, stand_in, tmp_path):
    """The address of a web process; a provider answers it, and nothing else is there."""
    stand_in.answer = take_over
    with serving({**environ, "TWILIO_API_BASE": stand_in.url, "SENDGRID_API_BASE": stand_in.url}, tmp_path) as web:
        yield web.url


def text(url, number):
    """The seconds that the answer took, and its words."""
    form = {"MessageSid": f"SM{number}", "From": f"+1212555{number:04d}", "Body": "I want to die"}
    signature = RequestValidator("12345").compute_signature(f"{url}/webhooks/twilio/inbound", form)
    asked = urllib.request.Request(
        f"{url}/webhooks/twilio/inbound", urlencode(form).encode(), {"X-Twilio-Signature": signature}
    )
    began = time.monotonic()
    with urllib.request.urlopen(asked, timeout=30) as answer:
        words = answer.read().decode()
    return time.monotonic() - began, words


@on_sqlite
@pytest.mark.timeout(180)
def test_distress_is_answered_within_ten_seconds_with_everything_else_dead(parts, engine, alone, stand_in):
    with parts.open_db() as db:
        for number in (1, 2):
            one = builders.staff(db, f"{number}@oak.example.org")
            put_on_call(db, one, Duty(f"+1212555020{number}"), one.id, NOW)
    answers = [text(alone, number) for number in range(100, 100 + TEXTS)]
    took = [seconds for seconds, _ in answers]
    p95 = quantiles(took, n=20)[-1]
    print(f"\nweb alone: of {TEXTS} answers p95 {p95 * 1000:.0f} ms, slowest {max(took) * 1000:.0f} ms")

    assert p95 < LIMIT
    assert all("988" in words for _, words in answers)
    read = reader(connect(str(engine.url)))
    with read() as db:
        assert len(db.scalars(Flag.urgent()).all()) == TEXTS
        assert len(db.scalars(select(Reply)).all()) == TEXTS

    def every_page_has_left():
        with read() as db:
            return len(db.scalars(select(Page).where(Page.state == PageState.SENT)).all()) == 4 * TEXTS

    until(every_page_has_left)
    assert {asked.path.rpartition("/")[2] for asked in stand_in.requests} >= {"Messages.json"}
