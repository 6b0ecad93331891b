"""SMS by Twilio's official client: sending, looking up, sorting its errors, reading its reports and signatures."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from logging import getLogger

from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http import HttpClient
from twilio.http.response import Response
from twilio.rest import Client
from twilio.rest.api.v2010.account.message import MessageInstance

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
    Unfinished,
    twilio_codes,
)
from service.channels.transport import UNREADABLE, Transport, error_code, form, rebased, retry_after
from service.settings import TwilioSettings

VALIDITY = (60, 14_400)
"""Seconds that Twilio keeps a text in its own queue: its limit is 10 hours, its number's queue may be only 4."""
QUEUE_FULL_PAUSE = timedelta(minutes=5)
SKEW = timedelta(minutes=2)

getLogger("twilio").setLevel("WARNING")  # its INFO and DEBUG hold numbers and words


class TwilioSms:
    can_look_up = True

    def __init__(self, settings: TwilioSettings, transport: Transport, status_url: str) -> None:
        self.sender = settings.messaging_service_sid or settings.sender
        self._from = (
            {"messaging_service_sid": settings.messaging_service_sid}
            if settings.messaging_service_sid
            else {"from_": settings.sender}
        )
        self._status_url = status_url
        self._client = Client(
            settings.api_key or settings.account_sid,
            settings.api_secret or settings.auth_token,
            settings.account_sid,
            http_client=_Rebased(transport, settings.base),
            # an empty mapping is falsy, and the process's environment would be read again
            environment={"_": "_"},
        )
        self._messages = self._client.messages

    def send(self, message: Message) -> Receipt:
        try:
            sent = self._messages.create(
                to=message.to,
                body=message.text,
                status_callback=f"{self._status_url}?m={message.reference}",
                validity_period=_validity(message.useful_for),
                **self._from,
            )
        except (ChannelError, TwilioException, *UNREADABLE) as error:
            raise _translated(error) from error
        if not sent.sid:
            raise Ambiguous("Twilio answered without a sid")
        return Receipt(provider_id=sent.sid)

    def look_up(self, to: str, text: str, since: datetime | None) -> Sequence[str]:
        # no filter by date: Twilio's is on date_sent, which is empty while a text is queued
        found = []
        try:
            for sent in self._messages.stream(to=to, page_size=100, limit=1000):
                if sent.date_created is None or (since and sent.date_created < since.astimezone(UTC) - SKEW):
                    break
                if sent.body == text and sent.sid and str(sent.direction or "").startswith("outbound"):
                    found.append(sent.sid)
        except (ChannelError, TwilioException, *UNREADABLE) as error:
            raise _translated(error) from error
        return found

    def received(self, since: datetime) -> Sequence[Received]:
        # by number where there is one; a service has many, and its list is the account's
        ours = {} if "messaging_service_sid" in self._from else {"to": self._from["from_"]}
        found = []
        try:
            for one in self._messages.stream(page_size=100, limit=1000, **ours):
                if one.date_created is not None and one.date_created < since.astimezone(UTC):
                    break
                if str(one.direction or "") == "inbound" and one.sid and one.from_:
                    found.append(_received(one))
        except (ChannelError, TwilioException, *UNREADABLE) as error:
            raise _translated(error) from error
        return found

    def blank(self, provider_id: str) -> None:
        try:
            blanked = self._messages(provider_id).update(body="")
        except (ChannelError, TwilioException, *UNREADABLE) as error:
            _check_whether_gone(error)
            return
        if blanked.body or not blanked.sid:
            raise Ambiguous("Twilio did not say that the words are gone")


def _check_whether_gone(error: Exception) -> None:
    """Nothing, where Twilio has no such message any more. Else raises what went wrong with blanking it."""
    code, status = getattr(error, "code", None), getattr(error, "status", None)
    if code == 20404 or status == 404:
        return
    if code == 20009:
        raise Unfinished("Twilio 20009") from error
    raise _translated(error) from error


def _received(one: MessageInstance) -> Received:
    has_picture = str(one.num_media or "0") != "0"
    return Received(one.sid or "", one.from_ or "", one.body or "", one.date_created, has_picture)


class _Rebased(HttpClient):
    """Twilio's client on our transport, and on another server where the settings name one."""

    def __init__(self, transport: Transport, base: str | None) -> None:
        super().__init__(getLogger("twilio.http_client"), is_async=False, timeout=None)
        self._transport = transport
        self._base = base

    def request(  # noqa: PLR0913, PLR0917  the signature is Twilio's
        self,
        method: str,
        uri: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        query = form(params)
        url = rebased(uri, self._base, "twilio.com") + (f"?{query.decode()}" if query else "")
        answer = self._transport.call(method, url, {**(headers or {}), **_basic(auth)}, form(data))
        if answer.status == 429:
            raise _told_to_wait(answer.body, answer.headers)
        return Response(answer.status, answer.body.decode("utf-8", "replace"), dict(answer.headers))


@lru_cache(4)
def _basic(auth: tuple[str, str] | None) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(':'.join(auth).encode()).decode()}"} if auth else {}


def _told_to_wait(body: bytes, headers: Mapping[str, str]) -> NotAccepted:
    code = error_code(body) or 20429
    wait = retry_after(headers)
    if code == 21611:
        wait = max(wait or QUEUE_FULL_PAUSE, QUEUE_FULL_PAUSE)
    return NotAccepted(f"Twilio {code}", wait)


def _validity(useful_for: timedelta | None) -> int | None:
    if useful_for is None:
        return None
    least, most = VALIDITY
    return max(least, min(most, int(useful_for.total_seconds())))


def _translated(error: Exception) -> ChannelError:
    """Everything that is not clearly a refusal may have been accepted."""
    if isinstance(error, ChannelError):
        return error
    if not isinstance(error, TwilioRestException):
        return Ambiguous(type(error).__name__)
    code, status = error.code or 0, error.status
    if code in twilio_codes.ADDRESS:
        return AddressRefused(f"Twilio {code}")
    if code in twilio_codes.ACCOUNT or status in (401, 403, 404):
        return ChannelDown(f"Twilio {code or status}")
    if code in twilio_codes.LATER:
        return NotAccepted(f"Twilio {code}")
    if 400 <= status < 500 and code not in twilio_codes.UNCLEAR:
        return Refused(f"Twilio {code or status}")
    return Ambiguous(f"Twilio HTTP {status}")
