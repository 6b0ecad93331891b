"""Connections to Twilio that are refused, cut, slow, kept or shared, and who gets the credentials."""

import socket
import threading
import time

import pytest

from service.channels import Ambiguous, Message, NotAccepted
from service.channels.transport import rebased
from tests.channels.twilio_sms.conftest import IMPATIENT, MESSAGE, accepted, channel, form


def test_where_nobody_listens_nothing_was_accepted(stand_in):
    sms = channel(stand_in.url)
    stand_in.shutdown()
    stand_in.server_close()

    with pytest.raises(NotAccepted):
        sms.send(MESSAGE)


def test_a_host_that_does_not_exist_accepts_nothing():
    with pytest.raises(NotAccepted):
        channel("http://no-such-host.invalid").send(MESSAGE)


def test_a_broken_handshake_accepts_nothing(stand_in):
    with pytest.raises(NotAccepted):
        channel(stand_in.url.replace("http://", "https://")).send(MESSAGE)


def test_a_connection_that_is_cut_may_have_been_accepted(sms, stand_in):
    stand_in.answer = lambda asked: asked.connection.shutdown(socket.SHUT_RDWR)

    with pytest.raises(Ambiguous):
        sms.send(MESSAGE)


def test_an_answer_that_does_not_come_may_have_been_accepted(stand_in):
    sms = channel(stand_in.url, IMPATIENT)
    stand_in.answer = lambda asked: stand_in.over.wait(5)

    with pytest.raises(Ambiguous):
        sms.send(MESSAGE)


def test_a_body_that_trickles_is_cut_off(stand_in):
    sms = channel(stand_in.url, IMPATIENT)

    def trickle(asked):
        asked.send_response(201)
        asked.send_header("Content-Length", "1000")
        asked.end_headers()
        while not stand_in.over.wait(0.05):
            asked.wfile.write(b" ")

    stand_in.answer = trickle
    started = time.monotonic()

    with pytest.raises(Ambiguous):
        sms.send(MESSAGE)
    assert time.monotonic() - started < 5


def test_a_body_that_ends_early_is_a_question(sms, stand_in):
    def end_early(asked):
        asked.send_response(201)
        asked.send_header("Content-Length", "1000")
        asked.end_headers()
        asked.wfile.write(accepted())
        asked.close_connection = True

    stand_in.answer = end_early

    with pytest.raises(Ambiguous):
        sms.send(MESSAGE)


def test_credentials_go_to_the_provider_only():
    with pytest.raises(ValueError, match="provider only"):
        rebased("https://evil.example.org/x", "http://127.0.0.1:1", "twilio.com")


@pytest.mark.parametrize("host", ["twilio.com.evil.org", "eviltwilio.com"])
def test_a_host_that_only_looks_like_the_providers_gets_nothing(host):
    with pytest.raises(ValueError, match="provider only"):
        rebased(f"https://{host}/x", None, "twilio.com")


def test_connections_are_kept_and_used_again(sms, stand_in):
    stand_in.answer = lambda asked: asked.say(201, accepted())
    for _ in range(3):
        sms.send(MESSAGE)

    assert len({asked.client_address for asked in stand_in.requests}) == 1


def test_after_a_lost_answer_the_connection_is_not_used_again(stand_in):
    sms = channel(stand_in.url, IMPATIENT)
    stand_in.answer = lambda asked: stand_in.over.wait(2)
    with pytest.raises(Ambiguous):
        sms.send(MESSAGE)
    stand_in.answer = lambda asked: asked.say(201, accepted())
    sms.send(MESSAGE)

    assert len({asked.client_address for asked in stand_in.requests}) == 2


def test_calls_side_by_side_get_their_own_answers(sms, stand_in):
    stand_in.answer = lambda asked: asked.say(201, accepted(sid=form(asked)["Body"]))
    told = {}

    def send(name):
        told[name] = sms.send(Message(to="+12125550101", text=name, reference="r")).provider_id

    threads = [threading.Thread(target=send, args=(f"SM{number}",)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert told == {f"SM{number}": f"SM{number}" for number in range(12)}


def test_no_proxy_of_the_environment_is_asked(stand_in, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    stand_in.answer = lambda asked: asked.say(201, accepted())

    assert channel(stand_in.url).send(MESSAGE).provider_id
