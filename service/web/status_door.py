"""Twilio's reports, taken ahead of Flask: two or three come on each text, and Flask's request costs more than all the
rest of it."""

import io
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl
from uuid import UUID

from werkzeug.datastructures import MultiDict
from werkzeug.sansio.utils import host_is_trusted

from service.channels.twilio_codes import ADDRESS
from service.channels.twilio_signature import STATUSES, is_signed
from service.flows.settle import Report
from service.settings import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

logger = logging.getLogger(__name__)

PATH = "/webhooks/twilio/status"
FORM = "application/x-www-form-urlencoded"
LARGEST = 20_000
"""Bytes. A report has eight short fields."""


class StatusDoor:
    """Takes what is plain and rightly signed. All else is Flask's, which knows how to refuse it."""

    def __init__(
        self,
        app: "WSGIApplication",
        settings: Settings,
        take: Callable[[Report], None],
        headers: Mapping[str, str],
        names: Sequence[str],
    ) -> None:
        self._app, self._settings, self._take, self._names = app, settings, take, names
        self._headers = [*headers.items(), ("Cache-Control", "no-store")]

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        is_ours = environ["PATH_INFO"] == PATH and environ["REQUEST_METHOD"] == "POST"
        report = self._report(environ) if is_ours else None
        if report is None:
            return self._app(environ, start_response)
        try:
            self._take(report)
        except Exception:
            logger.exception("a report could not be settled")
            start_response("503 Service Unavailable", self._headers)  # the provider comes again
        else:
            start_response("204 No Content", self._headers)
        return ()

    def _report(self, environ: "WSGIEnvironment") -> Report | None:
        if not self._is_called_by_name(environ) or not environ.get("CONTENT_TYPE", "").startswith(FORM):
            return None
        length, query = environ.get("CONTENT_LENGTH", ""), environ.get("QUERY_STRING", "")
        if not length.isdecimal() or int(length) > LARGEST:
            return None
        body = environ["wsgi.input"].read(int(length))
        environ["wsgi.input"] = io.BytesIO(body)
        if not body.isascii():
            return None
        form = MultiDict(parse_qsl(body.decode(), keep_blank_values=True))
        called = f"{self._settings.public_url}{PATH}?{query}"
        if not is_signed(self._settings.twilio.auth_token, called, form, environ.get("HTTP_X_TWILIO_SIGNATURE", "")):
            return None
        return read_report(dict(parse_qsl(query)), form)

    def _is_called_by_name(self, environ: "WSGIEnvironment") -> bool:
        named = f"{environ.get('HTTP_HOST', '')},{environ.get('HTTP_X_FORWARDED_HOST', '')}"
        return all(host_is_trusted(name.strip(), self._names) for name in named.split(",") if name.strip())


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
