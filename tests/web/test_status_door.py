"""Reports that are taken ahead of Flask. That they mean the same there as in Flask, test_reports_on_texts.py says."""

from dataclasses import replace

import pytest
from flask import request_started
from werkzeug.test import Client

from service.app import in_front
from service.database import connect, opener
from service.models import Delivery
from service.models.base import uuid7
from service.rules.lifecycle import State
from service.web.status_door import LARGEST, PATH
from tests import builders
from tests.web.conftest import Twilio
from tests.web.through_front import ThroughFront

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def text(parts):
    with parts.open_db() as db:
        about = builders.session(db, builders.group(db))
        return builders.delivery(db, builders.member(db), about, state=State.ACCEPTED, attempts=1, provider_id="SM1").id


@pytest.fixture
def asked(app):
    """What Flask was asked."""
    paths = []

    def note(sender, **_):
        paths.append(1)

    with request_started.connected_to(note, app):
        yield paths


def report(status="delivered", **fields):
    return {"MessageSid": "SM1", "MessageStatus": status, **fields}


def state(parts, text):
    with parts.read_db() as db:
        return db.get_one(Delivery, text).state


def test_a_plain_report_is_settled_without_flask(parts, twilio, text, asked):
    answer = twilio.post(f"{PATH}?m={text}", report())

    assert (answer.status_code, answer.data, asked) == (204, b"", [])
    assert state(parts, text) is State.DELIVERED


def test_its_answer_has_the_headers_of_every_other(twilio, text, client):
    ahead = twilio.post(f"{PATH}?m={text}", report()).headers
    behind = twilio.post(f"{PATH}?m={text}", report("whatever")).headers

    assert {*behind.keys()} - {"Content-Type"} == {*ahead.keys()}


@pytest.mark.parametrize(
    "fields",
    [{"Note": "a" * LARGEST}, {"MessageStatus": "unheard of"}, {"Note": ["b", "a"]}],
    ids=["too long for here", "a word we do not know", "a field that comes twice"],
)
def test_what_is_not_plain_is_left_to_flask(twilio, text, asked, fields):
    assert twilio.post(f"{PATH}?m={text}", report(**fields)).status_code == 204
    assert asked


def test_another_of_our_names_is_for_flask_to_know(parts, twilio, text, asked):
    assert twilio.post(f"{PATH}?m={text}", report(), **{"X-Forwarded-Host": "localhost"}).status_code == 204
    assert (len(asked), state(parts, text)) == (1, State.DELIVERED)


def test_a_report_in_letters_beyond_ascii_is_read_all_the_same(parts, twilio, text):
    twilio.post(f"{PATH}?m={text}", report(Note="é"))

    assert state(parts, text) is State.DELIVERED


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"X-Forwarded-Host": "evil.example"}])
def test_one_that_was_called_by_another_name_is_refused(parts, twilio, text, headers):
    assert twilio.post(f"{PATH}?m={text}", report(), **headers).status_code == 400
    assert state(parts, text) is State.ACCEPTED


def test_one_that_is_forged_changes_nothing(parts, client, text):
    answer = client.post(f"{PATH}?m={text}", data=report(), headers={"X-Twilio-Signature": "bm9uc2Vuc2U="})

    assert (answer.status_code, state(parts, text)) == (403, State.ACCEPTED)


def test_one_that_cannot_be_settled_is_asked_for_again(app, parts, text, caplog):
    nowhere = opener(connect("postgresql+psycopg://nobody@127.0.0.1:1/nothing"))
    through = ThroughFront(in_front(app, replace(parts, open_db=nowhere)))

    assert Twilio(Client(through)).post(f"{PATH}?m={uuid7()}", report()).status_code == 503
    through.close()
    assert "could not be settled" in caplog.text
