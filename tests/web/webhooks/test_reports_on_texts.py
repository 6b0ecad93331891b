"""What became of a text, as Twilio reports it."""

from itertools import permutations

import pytest

from service.flows.suppress import is_suppressed
from service.models.sealed import index_of
from service.rules.consent import Channel
from service.rules.lifecycle import State
from tests import builders
from tests.web.webhooks.conftest import MOBILE, WEBHOOKS, sent, state


@pytest.mark.parametrize("order", list(permutations(["queued", "sent", "delivered"])))
def test_in_whatever_order_reports_come_the_text_is_delivered(parts, twilio, order):
    one = sent(parts)
    answers = [twilio.post(f"{WEBHOOKS[1]}?m={one}", {"MessageSid": "SM1", "MessageStatus": name}) for name in order]

    assert [answer.status_code for answer in answers] == [204] * 3
    assert state(parts, one) is State.DELIVERED


@builders.on_sqlite
@pytest.mark.parametrize("reference", ["", "nonsense", "01a20a52-81e9-7f8f-93bf-c18f772c1e77", "1' OR '1'='1"])
def test_a_report_on_what_we_do_not_know_is_taken_and_changes_nothing(parts, twilio, reference):
    one = sent(parts)
    path = f"{WEBHOOKS[1]}?m={reference}".replace(" ", "%20").replace("'", "%27")

    assert twilio.post(path, {"MessageSid": "SM1", "MessageStatus": "delivered"}).status_code == 204
    assert state(parts, one) is State.ACCEPTED


@pytest.mark.parametrize("code", ["21610", "30005"])
def test_a_code_that_gives_up_the_number_suppresses_it(parts, twilio, code):
    one = sent(parts)
    twilio.post(f"{WEBHOOKS[1]}?m={one}", {"MessageSid": "SM1", "MessageStatus": "undelivered", "ErrorCode": code})

    assert state(parts, one) is State.UNDELIVERED
    with parts.read_db() as db:
        assert is_suppressed(db, Channel.SMS, index_of(Channel.SMS, MOBILE))
