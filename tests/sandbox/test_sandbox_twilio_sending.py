"""Handing messages to Twilio: what is taken over, and what is refused and why."""

import base64
import json
from urllib.request import Request, urlopen

import pytest
from twilio.base.exceptions import TwilioRestException

from sandbox import config
from tests.patience import eventually

ALICE = "+12025550143"
SERVICE = config.SERVICE
MESSAGES = f"https://api.twilio.com/2010-04-01/Accounts/{config.ACCOUNT}/Messages.json"


def refusal(call, *args, **more) -> TwilioRestException:
    with pytest.raises(TwilioRestException) as caught:
        call(*args, **more)
    return caught.value


def test_an_accepted_message_has_the_twenty_fields_of_twilios_own(sandbox, text, vectors):
    recorded = vectors("twilio_inbound_sample")["message_resource_201"]
    sent = text()
    secret = base64.b64encode(f"{config.ACCOUNT}:{config.TOKEN}".encode()).decode()
    request = Request(f"{sandbox.url}{sent.uri}", headers={"Authorization": f"Basic {secret}"})

    with urlopen(request, timeout=5) as answer:
        resource = json.loads(answer.read())

    assert sorted(resource) == sorted(recorded)
    assert {name: type(value) for name, value in resource.items() if value and recorded[name]} == {
        name: type(value) for name, value in recorded.items() if value and resource[name]
    }
    assert (sent.status, sent.direction, sent.num_segments) == ("queued", "outbound-api", "1")
    assert sent.date_sent is None


def test_a_messaging_service_picks_the_sender_later(text):
    sent = text(messaging_service_sid=SERVICE)

    assert (sent.status, sent.from_, sent.num_segments) == ("accepted", None, "0")


@pytest.mark.parametrize(
    ("code", "asked"),
    [
        (21604, {"to": ""}),
        (21603, {"from_": ""}),
        (21705, {"messaging_service_sid": "MG" + "1" * 32}),
        (21211, {"to": "123"}),
        (21212, {"from_": "+1"}),
        (21606, {"from_": "+15005550007"}),
        (21602, {"body": ""}),
        (21617, {"body": "x" * 1601}),
        (21609, {"status_callback": "not a url"}),
        (21609, {"status_callback": "https://my_host.example/status"}),
        (21624, {"validity_period": 0}),
        (21624, {"validity_period": 36_001}),
        (35118, {"schedule_type": "fixed", "send_at": "2026-03-07T12:00:00Z"}),
        (35111, {"schedule_type": "fixed", "messaging_service_sid": SERVICE}),
        (35114, {"schedule_type": "fixed", "messaging_service_sid": SERVICE, "send_at": "2026-03-06T12:05:00Z"}),
        (21610, {"to": "+15005559610"}),
        (21614, {"to": "+15005559614"}),
    ],
)
def test_what_twilio_refuses_is_refused_with_its_code(sandbox, twilio, code, asked):
    wanted = {"to": ALICE, "from_": config.NUMBER, "body": "Hello", **asked}
    if "messaging_service_sid" in asked:
        del wanted["from_"]

    refused = refusal(twilio.messages.create, **wanted)

    assert (refused.code, refused.status) == (code, 400)
    assert sandbox.accepted() == []


def test_the_first_objection_counts(twilio):
    assert refusal(twilio.messages.create, to="123", body="x" * 1601).code == 21603
    assert refusal(twilio.messages.create, to="123", from_="+1", body="").code == 21211


def test_a_refused_message_is_written_down_with_its_reason(sandbox, text):
    refusal(text, to="123")

    refused = sandbox.get("ledger")["refused"][0]
    assert (refused["code"], refused["http"], refused["field"]) == (21211, 400, "To")


@pytest.mark.parametrize(
    ("code", "settings"),
    [
        (21408, {"allowed_prefixes": ["+44"]}),
        (21614, {"landlines": [ALICE]}),
    ],
)
def test_countries_and_landlines_are_refused_as_configured(sandbox, text, code, settings):
    sandbox.post("config", settings)

    assert refusal(text).code == code


def test_a_landline_abroad_has_a_code_of_its_own(sandbox, text):
    sandbox.post("config", {"landlines": ["+442079460000"]})

    assert refusal(text, to="+442079460000").code == 21635


def test_a_full_queue_is_told_at_once_with_429(sandbox, text):
    sandbox.box.world.texts.free_at[config.NUMBER] = sandbox.box.world.clock.now() + 36_000

    refused = refusal(text)

    assert (refused.status, refused.code) == (429, 21611)


def test_a_full_queue_of_a_messaging_service_is_told_later(sandbox, text, twilio):
    sandbox.box.world.texts.free_at[config.NUMBER] = sandbox.box.world.clock.now() + 36_000
    sent = text(messaging_service_sid=SERVICE)
    sandbox.settle()

    failed = twilio.messages(sent.sid).fetch()

    assert (failed.status, failed.error_code) == ("failed", 30001)


@pytest.mark.parametrize(
    ("user", "password", "code", "http"),
    [
        (config.ACCOUNT, "wrong", 20003, 401),
        (config.API_KEY, "wrong", 20003, 401),
        (config.FOREIGN_ACCOUNT, config.FOREIGN_TOKEN, 20404, 404),
    ],
)
def test_strangers_are_turned_away(twilio_as, user, password, code, http):
    client = twilio_as(user=user, password=password)

    refused = refusal(client.messages.create, to=ALICE, from_=config.NUMBER, body="Hello")

    assert (refused.code, refused.status) == (code, http)


def test_a_real_looking_secret_is_refused_loudly(twilio_as, caplog):
    client = twilio_as(user=config.ACCOUNT, password="0123456789abcdef" * 2)

    assert refusal(client.messages.create, to=ALICE, from_=config.NUMBER, body="Hello").code == 20003
    assert "not a place for them" in caplog.text


@pytest.mark.parametrize("password", [config.TOKEN, config.SECOND_TOKEN])
def test_either_token_works_while_one_is_being_changed(twilio_as, password):
    client = twilio_as(user=config.ACCOUNT, password=password)

    assert client.messages.create(to=ALICE, from_=config.NUMBER, body="Hello").status == "queued"


def test_an_unknown_parameter_is_recorded_and_refused_only_when_strict(sandbox, twilio):
    def send() -> dict:
        data = {"To": ALICE, "From": config.NUMBER, "Body": "Hello", "Colour": "red"}
        return twilio.request("POST", MESSAGES, data=data)

    assert send().status_code == 201
    assert json.loads(sandbox.accepted()[0]["detail"])["unknown"] == ["Colour"]
    sandbox.post("config", {"strict": True})
    assert json.loads(send().text)["code"] == 20001


def test_the_ledger_knows_our_own_id_and_who_called(sandbox, text):
    sent = text(reference="delivery-7")

    row = sandbox.accepted()[0]
    assert (row["provider_id"], row["app_message_id"], row["to_norm"]) == (sent.sid, "delivery-7", ALICE)
    assert row["user_agent"].startswith("twilio-python/")


def test_the_ledger_learns_that_the_client_got_its_answer(sandbox, text):
    text()

    assert eventually(lambda: sandbox.accepted()[0]["client_got_answer"], 1) == 1


def test_a_number_is_normalised(sandbox, text):
    text(to="+1 (202) 555-0143")

    assert sandbox.accepted()[0]["to_norm"] == ALICE


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"to": "+15005550001"}, 21211),
        ({"to": "+15005550002"}, 21612),
        ({"to": "+15005550003"}, 21408),
        ({"to": "+15005550004"}, 21610),
        ({"to": "+15005550009"}, 21614),
        ({"from_": "+15005550001"}, 21212),
        ({"from_": "+15005550007"}, 21606),
        ({"from_": "+15005550008"}, 21611),
        ({"from_": "+12025550100"}, 21606),
    ],
)
def test_twilios_test_credentials_know_its_magic_numbers(twilio_as, asked, code):
    client = twilio_as(user=config.TEST_ACCOUNT, password=config.TEST_TOKEN, account=config.TEST_ACCOUNT)

    refused = refusal(client.messages.create, **{"to": ALICE, "from_": config.NUMBER, "body": "Hello", **asked})

    assert refused.code == code


def test_test_credentials_store_nothing_and_call_nobody(sandbox, twilio_as, app):
    client = twilio_as(user=config.TEST_ACCOUNT, password=config.TEST_TOKEN, account=config.TEST_ACCOUNT)
    callback = f"{app.url}/webhooks/twilio/status"
    sent = client.messages.create(to=ALICE, from_=config.NUMBER, body="Hello", status_callback=callback)
    sandbox.settle()

    assert sent.status == "queued"
    assert (sandbox.accepted(), app.calls) == ([], [])
    assert refusal(client.messages(sent.sid).fetch).status == 403


def test_error_bodies_are_twilios_own(sandbox, twilio, vectors):
    recorded = vectors("twilio_inbound_sample")["error_bodies"]["21211"]
    data = {"To": "123", "From": config.NUMBER, "Body": "Hello"}

    answer = twilio.request("POST", MESSAGES, data=data)

    assert json.loads(answer.text) == recorded


def test_what_nobody_serves_is_counted(sandbox, twilio):
    with pytest.raises(TwilioRestException):
        twilio.calls.create(to=ALICE, from_=config.NUMBER, url="http://example.com")

    assert sandbox.get("unknown")["unknown"][0]["path"].endswith("/Calls.json")


def test_a_picture_makes_it_an_mms(text):
    sent = text(media_url=["https://a.example/1.jpg", "https://a.example/2.jpg"])

    assert (sent.sid[:2], sent.num_media) == ("MM", "2")


def test_the_base_address_may_have_a_path(sandbox, rebased_client):
    with rebased_client(f"{sandbox.url}/twilio") as client:
        for number in range(3):
            client.messages.create(to=ALICE, from_=config.NUMBER, body=f"number {number}")

        assert len(list(client.messages.stream(page_size=1))) == 3
