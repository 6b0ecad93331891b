"""Doors: the Flask app on a real database, a browser that keeps cookies, and providers who sign what they send."""

import base64
import json
import re
import time
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from flask import Flask
from flask.testing import FlaskClient
from twilio.request_validator import RequestValidator
from werkzeug.datastructures import MultiDict
from werkzeug.test import Client, TestResponse

from service.app import create_app, in_front
from service.flows import sign_ins, staffing
from service.models import Contact, Staff
from service.models.practice import Role
from service.settings import SANDBOX_EVENT_KEY, SANDBOX_TOKEN
from service.wiring import Parts
from tests import builders
from tests.builders import NOW
from tests.web.through_front import ThroughFront
from tests.web.worlds import world

VECTORS = Path(__file__).parents[1] / "vectors"
PUBLIC = "http://127.0.0.1:8000"
PASSWORD = "seven calm blue rivers"
EMAIL = "dana@oak.example.org"
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
TEXT_IN_XML = re.compile(r"<Message[^>]*>(.*)</Message>", re.DOTALL)


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    return {**environ, "SENDGRID_INBOUND_PUBLIC_KEY": SANDBOX_EVENT_KEY}


@pytest.fixture
def app(parts: Parts) -> Flask:
    made = create_app(parts)
    made.config["TESTING"] = False  # as in service: a broken view is a page, not an exception
    return made


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser of somebody who is not signed in."""
    return app.test_client()


@pytest.fixture
def caller(app: Flask, parts: Parts) -> Iterator[Client]:
    """A provider's connection: it comes in by the front, as all do in service."""
    through = ThroughFront(in_front(app, parts))
    yield Client(through)
    through.close()


class Staffer:
    """A browser in which staff are signed in: it takes each form's token from the page, as a browser does."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def get(self, path: str, **named: Any) -> TestResponse:
        return self.client.get(path, **named)

    def post(self, path: str, form: Mapping[str, Any] | None = None, **named: Any) -> TestResponse:
        token = TOKEN.search(self.client.get("/settings").text)
        assert token is not None
        return self.client.post(path, data={"csrf_token": token[1], **(form or {})}, **named)


@pytest.fixture
def staff(parts: Parts, client: FlaskClient) -> Staffer:
    with parts.open_db() as db:
        row = staffing.add_staff(db, EMAIL, "Dana Whitlock", Role.ADMIN, NOW)
        token = sign_ins.start(db, row.id, parts.machine_clock())
    client.set_cookie("staff", token)
    return Staffer(client)


class Twilio:
    """Posts to our webhooks as Twilio does, really signed over the public address and every field."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._numbers = count(1)

    def sid(self) -> str:
        return f"SM{next(self._numbers):032x}"

    def post(self, path: str, form: Mapping[str, Any], public: str = PUBLIC, **headers: str) -> TestResponse:
        fields: MultiDict[str, str] = MultiDict(form)
        signature = RequestValidator(SANDBOX_TOKEN).compute_signature(public + path, fields)
        return self.client.post(
            path,
            base_url=PUBLIC,
            data=urlencode([*fields.items(multi=True)]),
            content_type="application/x-www-form-urlencoded; charset=UTF-8",
            headers={"X-Twilio-Signature": signature, **headers},
        )

    def text(self, sender: str, body: str, sid: str = "", **fields: str) -> TestResponse:
        form = {"MessageSid": sid or self.sid(), "From": sender, "To": "+15005550006", "Body": body, "NumMedia": "0"}
        return self.post("/webhooks/twilio/inbound", {**form, **fields})

    def said(self, sender: str, body: str, **fields: str) -> str:
        """The words that go back, or ""."""
        answer = self.text(sender, body, **fields)
        assert answer.status_code == 200
        found = TEXT_IN_XML.search(answer.text)
        return found[1].replace("&amp;", "&") if found else ""


@pytest.fixture
def twilio(caller: Client) -> Twilio:
    return Twilio(caller)


class SendGrid:
    """Posts to our webhooks as SendGrid does, signed over the timestamp and the raw bytes."""

    def __init__(self, client: Client) -> None:
        told = json.loads((VECTORS / "sendgrid_event_signatures.json").read_text("utf-8"))
        key = load_pem_private_key(told["sandbox_test_private_key_pkcs8_pem"].encode(), None)
        assert isinstance(key, EllipticCurvePrivateKey)
        self.client, self._key = client, key

    def post(self, path: str, body: bytes, content_type: str = "application/json") -> TestResponse:
        now = str(int(time.time()))
        signature = self._key.sign(now.encode() + body, ECDSA(SHA256()))
        headers = {
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
            "X-Twilio-Email-Event-Webhook-Timestamp": now,
        }
        return self.client.post(path, data=body, content_type=content_type, headers=headers)

    def events(self, *events: object) -> TestResponse:
        return self.post("/webhooks/sendgrid/events", json.dumps(events).encode() + b"\r\n")


@pytest.fixture
def sendgrid(caller: Client) -> SendGrid:
    return SendGrid(caller)


@pytest.fixture
def own(parts):
    with parts.open_db() as db:
        return world(db, "own", "+12125550100")


@pytest.fixture
def other(parts):
    with parts.open_db() as db:
        return world(db, "other", "+12125550200")


@pytest.fixture
def signed_in(app, parts, own):
    """A browser of somebody of this role; the facilitator is the one of `own`."""
    app.config["WTF_CSRF_ENABLED"] = False

    def browser(role):
        with parts.open_db() as db:
            is_lee = role is Role.FACILITATOR
            row = db.get_one(Staff, own.facilitator) if is_lee else builders.staff(db, f"{role}@x.example", role)
            if role is Role.ONCALL:
                db.add(Contact(staff_id=row.id, position=9, days=[]))
            token = sign_ins.start(db, row.id, parts.machine_clock())
        client = app.test_client()
        client.set_cookie("staff", token)
        return client

    return browser
