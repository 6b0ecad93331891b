"""The examples in docs/sandbox.md, run as they stand there."""

import re
from pathlib import Path

import pytest
from sendgrid import SendGridAPIClient
from twilio.base.exceptions import TwilioRestException

from sandbox import config
from sandbox.box import Box
from sandbox.clock import Clock
from sandbox.remote import Remote

GUIDE = Path(__file__).parent.parent.parent / "docs" / "sandbox.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def send(rebased_client):
    """A sender that looks before it sends again."""

    def cautious(url: str, to: str, body: str, reference: str) -> None:
        callback = f"http://127.0.0.1:9/status?m={reference}"
        with rebased_client(url) as client:
            try:
                client.messages.create(to=to, from_=config.NUMBER, body=body, status_callback=callback)
            except OSError:
                assert client.messages.list(to=to)

    return cautious


@pytest.fixture
def send_mail(payload):
    return lambda url, to: SendGridAPIClient(config.SENDGRID_KEY, host=url).send(payload(to))


@pytest.mark.parametrize("code", EXAMPLES, ids=lambda code: re.search(r"def (\w+)", code)[1])
def test_an_example_of_the_guide_works(code, tmp_path, send, send_mail, app):
    known = {"Box": Box, "Clock": Clock, "Remote": Remote, "pytest": pytest, "TwilioRestException": TwilioRestException}
    exec(code, known)
    name, arguments = re.search(r"def (\w+)\((.*?)\)", code).groups()
    given = {"tmp_path": tmp_path, "send": send, "send_mail": send_mail, "app": app}

    known[name](**{argument: given[argument] for argument in arguments.split(", ")})


def test_the_guide_names_every_fault_and_every_list():
    from sandbox.audit import LISTS
    from sandbox.faults.plans import OPS

    named = set(re.findall(r"`([a-z0-9_]+)`", GUIDE.read_text(encoding="utf-8")))

    assert set(OPS) | set(LISTS) <= named
