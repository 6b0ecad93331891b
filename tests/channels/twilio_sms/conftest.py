"""Texts sent to a server that answers as it is told."""

import json
from datetime import timedelta
from urllib.parse import parse_qsl

import pytest

from service.channels import Message
from service.channels.transport import Transport
from service.channels.twilio_sms import TwilioSms
from service.rules.retries import Patience
from service.settings import Settings

MESSAGE = Message(to="+12125550101", text="See you today.", reference="0189-ref", useful_for=timedelta(hours=2))
PATIENT, IMPATIENT = Patience(), Patience(deadline=0.5)
"""The second has time-outs that a test can wait for."""


def channel(url, patience=PATIENT):
    settings = Settings.from_env({"TWILIO_API_BASE": url})
    return TwilioSms(settings.twilio, Transport(patience), "https://groups.example.org/webhooks/twilio/status")


@pytest.fixture
def sms(stand_in):
    return channel(stand_in.url)


def error_body(code, status=400):
    return json.dumps({"code": code, "message": "no", "more_info": "https://x", "status": status}).encode()


def accepted(**values):
    return json.dumps({"sid": "SM" + "a" * 32, "status": "queued", "body": "x", **values}).encode()


def form(asked):
    return dict(parse_qsl(asked.body.decode()))
