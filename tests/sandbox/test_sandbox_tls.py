"""The same over https, with a certificate that each client is pointed at in its own way."""

import pytest
import requests
from sendgrid import SendGridAPIClient
from twilio.rest import Client

from sandbox import config
from sandbox.box import Box

ALICE = "+12025550143"


@pytest.fixture
def secured(tmp_path):
    with Box(tmp_path, tls_port=0) as box:
        yield box, str(tmp_path / "cert.pem")


def send(client: Client) -> str:
    return client.messages.create(to=ALICE, from_=config.NUMBER, body="Hello").sid


def test_twilios_client_trusts_what_requests_is_told_to(secured, rebased_client, monkeypatch):
    box, certificate = secured
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certificate)
    with rebased_client(box.tls_url) as client:
        assert send(client).startswith("SM")


def test_twilios_client_does_not_trust_a_stranger(secured, rebased_client):
    box, _ = secured
    with rebased_client(box.tls_url) as client, pytest.raises(requests.exceptions.SSLError):
        send(client)


def test_sendgrids_client_trusts_what_openssl_is_told_to(secured, payload, monkeypatch):
    box, certificate = secured
    monkeypatch.setenv("SSL_CERT_FILE", certificate)

    assert SendGridAPIClient(config.SENDGRID_KEY, host=box.tls_url).send(payload()).status_code == 202


def test_a_broken_handshake_is_broken_as_often_as_planned(secured, rebased_client, monkeypatch):
    box, certificate = secured
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certificate)
    box.world.break_handshakes(2)
    for _ in range(2):
        with rebased_client(box.tls_url) as client, pytest.raises(requests.exceptions.SSLError):
            send(client)

    with rebased_client(box.tls_url) as client:
        assert send(client).startswith("SM")
    assert len(box.world.ledger.rows("accepted")) == 1
