"""Email by SendGrid's official client: one mail, one person, one request."""

import json
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from logging import getLogger
from typing import Any

from python_http_client import Client
from sendgrid import SendGridAPIClient

from service.channels import (
    AddressRefused,
    Ambiguous,
    ChannelDown,
    ChannelError,
    Message,
    NotAccepted,
    Receipt,
    Received,
    Refused,
)
from service.channels.connections import Answer
from service.channels.transport import UNREADABLE, Transport, rebased, retry_after
from service.settings import SendGridSettings

REAL = "https://api.sendgrid.com"

NO_TRACKING = {
    "click_tracking": {"enable": False, "enable_text": False},
    "open_tracking": {"enable": False},
    "subscription_tracking": {"enable": False},
    "ganalytics": {"enable": False},
}
"""On every mail: the account's defaults are on, and a tracked link tells a third party who is in care."""

getLogger("python_http_client").setLevel("WARNING")  # its DEBUG prints the API key and the whole mail


class SendGridEmail:
    can_look_up = False

    def __init__(self, settings: SendGridSettings, transport: Transport, sender_name: str) -> None:
        self.sender = settings.sender
        self._sender_name = sender_name
        official = SendGridAPIClient(settings.api_key)
        self._client = _Pooled(transport, settings.base, host=REAL, request_headers=official._default_headers)
        official.client = self._client
        self._official = official

    def send(self, message: Message) -> Receipt:
        try:
            answer = self._official.send(self._mail(message))
        except UNREADABLE as error:
            raise Ambiguous(type(error).__name__) from error
        return Receipt(provider_id=answer.headers.get("X-Message-Id", ""))

    def look_up(self, to: str, text: str, since: datetime | None) -> Sequence[str]:
        """SendGrid keeps no list that can be asked: only its events tell."""
        raise NotAccepted("SendGrid has no list of accepted mails")

    def _mail(self, message: Message) -> dict[str, Any]:
        return {
            "personalizations": [{"to": [{"email": message.to}], "custom_args": {"mid": message.reference}}],
            "from": {"email": self.sender, "name": self._sender_name},
            "subject": message.subject,
            "content": [{"type": "text/plain", "value": message.text}],
            "headers": {"Auto-Submitted": "auto-generated", **message.headers},
            "tracking_settings": NO_TRACKING,
        }

    def received(self, since: datetime) -> Sequence[Received]:
        """SendGrid keeps no list of the mails it has handed over to us."""
        return ()

    def blank(self, provider_id: str) -> None:
        """SendGrid keeps no words of a mail once it has left, and has no call to remove any."""


class _Pooled(Client):
    """SendGrid's client on our transport: its own makes a connection and reads all certificates for each mail."""

    def __init__(self, transport: Transport, base: str | None, **settings: Any) -> None:
        super().__init__(version=3, **settings)  # type: ignore[no-untyped-call]
        self.request_headers.setdefault("Content-Type", "application/json")
        self._transport = transport
        self._base = base
        self._below: dict[str | None, _Pooled] = {}

    def _build_client(self, name: str | None = None) -> "_Pooled":
        if name not in self._below:
            self._below[name] = _Pooled(
                self._transport,
                self._base,
                host=self.host,
                request_headers=self.request_headers,
                url_path=[*self._url_path, name] if name else self._url_path,
            )
        return self._below[name]

    @cached_property
    def _url(self) -> str:
        return rebased(self._build_url(None), self._base, "sendgrid.com")  # type: ignore[no-untyped-call]

    def post(self, request_body: object) -> Answer:
        """Theirs puts together all that urllib can do before it asks us, which costs ten times as much as the rest.
        From Python 3.12 on it reads the certificates once more for that."""
        body = json.dumps(request_body).encode()
        answer = self._transport.call("POST", self._url, self.request_headers, body)
        if answer.status != 202:
            raise _translated(answer)
        return answer


def _translated(answer: Answer) -> ChannelError:
    """Only a clear 4xx is a refusal; a 200 or a redirect is no acceptance that anybody promised."""
    reason = f"SendGrid HTTP {answer.status}"
    if answer.status == 429:
        return NotAccepted(reason, retry_after(answer.headers))
    if answer.status in (401, 403, 404, 405):
        return ChannelDown(reason)
    if answer.status == 400 and _is_about_address(answer.body):
        return AddressRefused(reason)
    if 400 <= answer.status < 500:
        return Refused(reason)
    return Ambiguous(reason)


def _is_about_address(body: bytes) -> bool:
    try:
        errors = json.loads(body).get("errors") or []
    except (ValueError, AttributeError):
        return False
    fields = [str(error.get("field") or "") for error in errors if isinstance(error, dict)]
    return any(field.startswith("personalizations.0.to") for field in fields)
