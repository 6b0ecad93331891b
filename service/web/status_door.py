"""Twilio's reports, taken ahead of Flask: two or three come on each text, and Flask's request costs more than all the
rest of it."""

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

from granian.rsgi import Scope

from service.channels.twilio_codes import ADDRESS
from service.channels.twilio_signature import STATUSES, is_signed_as_called
from service.flows.settle import Report
from service.settings import Settings

PATH = "/webhooks/twilio/status"
FORM = "application/x-www-form-urlencoded"
LARGEST = 20_000
"""Bytes: a report has eight short fields, and whatever is read here holds up the event loop."""


class StatusDoor:
    """Reads what is plain and rightly signed. All else is Flask's, which knows how to refuse it."""

    def __init__(self, settings: Settings) -> None:
        public = urlsplit(settings.public_url)
        self._names = {public.netloc, public.hostname}
        self._token, self._address = settings.twilio.auth_token, settings.public_url + PATH

    def report(self, scope: Scope, body: bytes) -> Report | None:
        """None: Flask is to look at it."""
        headers, query = scope.headers, scope.query_string
        if scope.path != PATH or scope.method != "POST" or not headers.get("content-type", "").startswith(FORM):
            return None
        called = [*headers.get_all("host"), *headers.get_all("x-forwarded-host")]  # type: ignore[attr-defined]
        is_plain = len(body) <= LARGEST and body.isascii() and query.isascii()
        if not (is_plain and self._names.issuperset(called)):
            return None
        fields = parse_qsl(body.decode(), keep_blank_values=True)
        form = dict(fields)
        signature = headers.get("x-twilio-signature", "")
        if len(form) < len(fields) or not is_signed_as_called(self._token, f"{self._address}?{query}", form, signature):
            return None
        return read_report(dict(parse_qsl(query)), form)


def read_report(query: Mapping[str, str], form: Mapping[str, str]) -> Report | None:
    """None: it says nothing about a message of ours."""
    reported, delivery_id = STATUSES.get(form.get("MessageStatus", "")), uuid_of(query.get("m", ""))
    if reported is None or delivery_id is None:
        return None
    code = form.get("ErrorCode", "")[:16]
    return Report(
        delivery_id,
        reported,
        provider_id=form.get("MessageSid", "")[:64],
        code=code or None,
        opted_out=code.isdecimal() and int(code) in ADDRESS,
    )


def uuid_of(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
