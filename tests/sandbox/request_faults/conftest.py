"""Senders whose requests are broken, and what they raise."""

import pytest
import requests

from sandbox import config
from tests.sandbox.conftest import ALICE

GONE = requests.exceptions.RequestException
IMPATIENCE = 0.15


def sender(client):
    return lambda body="Hello", to=ALICE: client.messages.create(to=to, from_=config.NUMBER, body=body)


@pytest.fixture
def send(twilio):
    return sender(twilio)


@pytest.fixture
def impatient(twilio_as):
    return sender(twilio_as(timeout=IMPATIENCE))


def raised(call, *args) -> BaseException | None:
    try:
        call(*args)
    except Exception as error:
        return error
    return None
