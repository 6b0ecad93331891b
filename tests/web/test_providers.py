"""Going live: what is left to do, and whether the providers were heard from."""

import os
import re

import pytest
from sqlalchemy import select

from service.models import AuditEntry
from service.rules.consent import Channel
from tests import builders

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
PATH = "/settings/providers"


@pytest.fixture
def sends(parts, texts):
    parts._made.update({os.getpid(): {Channel.SMS: texts}})
    return texts


def green(staff):
    return staff.get(PATH).text.count("Heard from")


def test_nothing_is_green_before_a_provider_called(staff):
    assert green(staff) == 0
    assert "Not heard from yet" in staff.get(PATH).text


def test_an_address_is_broken_after_a_slash_and_copied_whole(staff):
    page = staff.get(PATH).text

    assert "http://<wbr>127.0.0.1:8000/<wbr>webhooks/<wbr>twilio/<wbr>inbound</code>" in page
    assert 'data-copy="http://127.0.0.1:8000/webhooks/twilio/inbound"' in page


def test_a_test_goes_to_the_phone_and_its_report_turns_the_line_green(parts, staff, twilio, sends):
    staff.post(f"{PATH}/test", {"mobile": "212-555-0188"})
    sent = sends.outbox[0]
    assert (sent.to, green(staff)) == ("+12125550188", 0)
    assert sent.text == "Oak St Office: This is a test of our texts. There is nothing to do."
    twilio.post(f"/webhooks/twilio/status?m={sent.reference}", {"MessageSid": "SM1", "MessageStatus": "delivered"})

    assert green(staff) == 1
    with parts.read_db() as db:
        kept = db.scalars(select(AuditEntry).where(AuditEntry.action == "provider tested")).one()
        assert "2125550188" not in str(kept.details)


def test_a_reply_turns_its_line_green(staff, twilio):
    twilio.text("+12125550177", "hello")

    assert green(staff) == 1


@pytest.mark.parametrize("mobile", ["", "nonsense", "12"])
def test_a_number_that_is_none_is_said_at_its_field(staff, sends, mobile):
    answer = staff.post(f"{PATH}/test", {"mobile": mobile})

    assert (answer.status_code, 'href="#f-mobile"' in answer.text, sends.outbox) == (422, True, [])


def test_a_member_is_never_a_test(parts, staff, sends):
    with parts.open_db() as db:
        mobile = builders.member(db).mobile
    answer = staff.post(f"{PATH}/test", {"mobile": mobile})

    assert "This is a member&#39;s number" in answer.text
    assert sends.outbox == []


def test_the_checklist_counts_what_is_done(staff):
    assert re.search(r"\d of 10 steps are done", staff.get(PATH).text)
