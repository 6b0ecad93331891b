"""One message by Twilio's official client as it comes, on another host. What is sent is marked after the call."""

import os
import time
from functools import cache
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from sqlalchemy import Engine
from sqlalchemy.orm import Session
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from bench.peers.messages import Message, connect, may_go

ACCOUNT, TOKEN, SENDER = "AC" + "0" * 32, "12345", "+15005550006"
TOO_MANY = 429


class Rebased(TwilioHttpClient):
    """The official HTTP client, its host changed."""

    def __init__(self, base: str, timeout: float) -> None:
        super().__init__(timeout=timeout)
        self._base = urlsplit(base)

    def request(self, method: str, uri: str, *args: Any, **more: Any) -> Any:  # type: ignore[override]
        asked = urlsplit(uri)
        path = self._base.path.rstrip("/") + asked.path
        return super().request(
            method, urlunsplit((self._base.scheme, self._base.netloc, path, asked.query, "")), *args, **more
        )


@cache
def client() -> Client:
    timeout = float(os.environ.get("TWILIO_TIMEOUT", "10"))
    http = Rebased(os.environ["TWILIO_API_BASE"], timeout)
    return Client(ACCOUNT, TOKEN, ACCOUNT, environment={"_": "_"}, http_client=http)


@cache
def engine() -> Engine:
    return connect()


def create(message: Message) -> str:
    """Hand a message to the provider. Returns its sid."""
    sent = client().messages.create(
        to=message.to,
        from_=SENDER,
        body=message.body,
        # nobody listens there: the address carries our id, so that the provider's log can be read by it
        status_callback=f"https://groups.example.org/status?m={message.id}",
    )
    return str(sent.sid)


def send(message_id: str) -> None:
    """Look once more whether it may go, send it, mark it. Raises what the client raises, unless it is a clear no."""
    with Session(engine()) as db:
        message = db.get_one(Message, message_id)
        if not may_go(db, message):
            return
        db.rollback()  # SQLite: no transaction may stay open while the provider is asked
        try:
            sid = create(message)
        except TwilioRestException as refusal:
            if refusal.status >= 500 or refusal.status == TOO_MANY:
                raise
            sid = f"refused {refusal.code}"
        message.sid, message.sent_at = sid, time.time()
        db.commit()
