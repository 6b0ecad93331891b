"""Reading, listing, redacting and deleting messages with the official client."""

from datetime import UTC, datetime, timedelta

import pytest
from twilio.base.exceptions import TwilioRestException

from sandbox import config

ALICE, BEN = "+12025550143", "+12025550187"
NOW = datetime(2026, 3, 6, 12, 0, tzinfo=UTC)


def test_what_was_sent_can_be_fetched(text, twilio):
    sent = text()

    found = twilio.messages(sent.sid).fetch()

    assert (found.sid, found.body, found.to) == (sent.sid, sent.body, ALICE)


def test_what_was_never_sent_is_not_found(twilio):
    with pytest.raises(TwilioRestException) as caught:
        twilio.messages("SM" + "0" * 32).fetch()

    assert (caught.value.status, caught.value.code) == (404, 20404)


def test_a_list_holds_one_persons_messages_newest_first(sandbox, text, twilio):
    first = text(ALICE, "one")
    sandbox.advance(10)
    text(BEN, "two")
    third = text(ALICE, "three")

    assert [one.sid for one in twilio.messages.list(to=ALICE)] == [third.sid, first.sid]


def test_pages_do_not_shift_while_new_messages_arrive(text, twilio):
    sids = [text(body=f"number {n}").sid for n in range(7)]
    pages = twilio.messages.page(page_size=3)
    seen = [one.sid for one in pages]
    text(body="a late one")
    while pages := pages.next_page():
        seen += [one.sid for one in pages]

    assert seen == sids[::-1]


def test_streaming_reads_every_page(text, twilio):
    sids = {text(body=f"number {n}").sid for n in range(7)}

    assert {one.sid for one in twilio.messages.stream(page_size=2)} == sids


def test_a_date_filter_misses_what_is_still_queued(sandbox, text, twilio):
    text()

    assert twilio.messages.list(date_sent_after=NOW - timedelta(days=1)) == []
    sandbox.settle()
    assert len(twilio.messages.list(date_sent_after=NOW - timedelta(days=1))) == 1
    assert twilio.messages.list(date_sent_before=NOW - timedelta(days=1)) == []
    assert len(twilio.messages.list(date_sent=NOW.replace(hour=0))) == 1


def test_inbound_texts_are_in_the_list_of_our_number(sandbox, twilio):
    sandbox.post("inbound/sms", {"from": ALICE, "body": "C"})

    found = twilio.messages.list(to=config.NUMBER)

    assert [(one.from_, one.body, one.direction, one.status) for one in found] == [(ALICE, "C", "inbound", "received")]


def test_redacting_empties_the_words_and_keeps_the_message(sandbox, text, twilio):
    sent = text()
    sandbox.settle()

    for _ in range(2):
        assert twilio.messages(sent.sid).update(body="").body == ""

    assert twilio.messages(sent.sid).fetch().body == ""
    changes = [row for row in sandbox.get("ledger")["state_changes"] if row["provider_id"] == sent.sid]
    assert [row["status"] for row in changes][-1] == "redacted"


def test_what_a_person_wrote_is_redacted_too(sandbox, twilio):
    sandbox.post("inbound/sms", {"from": ALICE, "body": "C"})
    (heard,) = twilio.messages.list(to=config.NUMBER)

    twilio.messages(heard.sid).update(body="")

    assert twilio.messages(heard.sid).fetch().body == ""


def test_a_message_on_its_way_cannot_be_redacted_yet(text, twilio):
    sent = text()

    with pytest.raises(TwilioRestException) as caught:
        twilio.messages(sent.sid).update(body="")

    assert (caught.value.code, caught.value.status) == (20009, 409)
    assert twilio.messages(sent.sid).fetch().body != ""


@pytest.mark.parametrize("asked", [{"body": "other words"}, {"body": "", "status": "canceled"}])
def test_words_cannot_be_changed(text, twilio, asked):
    sent = text()

    with pytest.raises(TwilioRestException) as caught:
        twilio.messages(sent.sid).update(**asked)

    assert caught.value.code == 30400


def test_only_a_scheduled_message_can_be_cancelled(sandbox, text, twilio, app):
    later = NOW + timedelta(hours=1)
    scheduled = text(messaging_service_sid=config.SERVICE, schedule_type="fixed", send_at=later)
    queued = text()

    assert scheduled.status == "scheduled"
    assert twilio.messages(scheduled.sid).update(status="canceled").status == "canceled"
    with pytest.raises(TwilioRestException) as caught:
        twilio.messages(queued.sid).update(status="canceled")
    assert caught.value.code == 30409
    sandbox.settle()
    assert "canceled" in app.statuses()


def test_a_scheduled_message_goes_out_when_its_hour_comes(sandbox, text, twilio):
    sent = text(messaging_service_sid=config.SERVICE, schedule_type="fixed", send_at=NOW + timedelta(hours=1))
    sandbox.advance(1800)
    assert twilio.messages(sent.sid).fetch().status == "scheduled"
    sandbox.settle()

    assert twilio.messages(sent.sid).fetch().status == "delivered"


def test_a_message_is_deleted_a_minute_after_its_end(sandbox, text, twilio):
    sent = text()
    with pytest.raises(TwilioRestException) as caught:
        twilio.messages(sent.sid).delete()
    assert (caught.value.code, caught.value.status) == (20009, 409)
    sandbox.settle()
    sandbox.advance(61)

    assert twilio.messages(sent.sid).delete()
    with pytest.raises(TwilioRestException) as caught:
        twilio.messages(sent.sid).delete()
    assert caught.value.status == 404


def test_a_text_has_no_media(text, twilio):
    assert twilio.messages(text().sid).media.list() == []


def test_another_account_sees_nothing_of_ours(text, twilio_as):
    sent = text()
    foreign = twilio_as(user=config.FOREIGN_ACCOUNT, password=config.FOREIGN_TOKEN, account=config.FOREIGN_ACCOUNT)

    assert foreign.messages.list() == []
    with pytest.raises(TwilioRestException):
        foreign.messages(sent.sid).fetch()
