"""The providers' doors: signed, safe to repeat, and never answered with words that would be texted to a person."""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key
from flask import Blueprint, Response, abort, request, url_for
from flask.typing import ResponseReturnValue
from twilio.twiml.messaging_response import MessagingResponse

from service.channels.sendgrid_inbound import read_mail
from service.channels.twilio_signature import is_signed
from service.flows.blank import note_answer
from service.flows.receive import Inbound, receive
from service.flows.receive_mail import receive_mail
from service.flows.settle import Report
from service.flows.settle_all import is_away, settle_all, settle_each
from service.rules.lifecycle import State
from service.web import call_people, parts
from service.web.bodies import largest
from service.web.status_door import read_report, uuid_of

twilio = Blueprint("twilio", __name__, url_prefix="/webhooks/twilio")
sendgrid = Blueprint("sendgrid", __name__, url_prefix="/webhooks/sendgrid")

TIMESTAMP = re.compile(r"[0-9]{10}")

EVENTS = {
    "processed": State.ACCEPTED,
    "delivered": State.DELIVERED,
    "bounce": State.UNDELIVERED,
    "dropped": State.UNDELIVERED,
}
STOPPING = frozenset({"spamreport", "unsubscribe", "group_unsubscribe"})
DROPPED_FOR_GOOD = frozenset({"bounced address", "invalid", "spam reporting address", "unsubscribed address"})
"""Reasons that are about the address. Others, as `Invalid SMTPAPI header`, are about this mail."""


@twilio.before_request
def turn_strangers_away() -> None:
    """The signature is over the public address with its query, as Twilio called it, and every field of the form."""
    settings = parts().settings
    request.max_content_length = largest(request.path)
    query = request.environ.get("QUERY_STRING", "")
    called = settings.public_url + request.path + (f"?{query}" if query else "")
    signature = request.headers.get("X-Twilio-Signature", "")
    if not is_signed(settings.twilio.auth_token, called, request.form, signature):
        abort(403)


@twilio.post("/inbound")
def inbound() -> ResponseReturnValue:
    """A member's text. What it means is decided and answered here, in the request: no worker need be alive."""
    form = request.form
    text = Inbound(
        provider_id=(form.get("MessageSid") or form.get("SmsSid") or "")[:64],
        address=form.get("From", ""),
        text=form.get("Body", ""),
        provider_says=form.get("OptOutType"),
        has_picture=form.get("NumMedia", "0") not in ("", "0"),
    )
    if not text.provider_id or not text.address:
        return _twiml("")
    with parts().open_db() as db:
        answer = receive(db, text, parts().clock())
    call_people()
    return _twiml(answer, text.provider_id)


@twilio.post("/status")
def status() -> ResponseReturnValue:
    if answered := request.args.get("a"):
        with parts().open_db() as db:
            note_answer(db, answered[:64], request.form.get("MessageSid", "")[:64], parts().clock())
        return "", 204
    report = read_report(request.args, request.form)
    if report is not None:
        settle_all(parts().open_db, [report], parts().clock())
    return "", 204


@sendgrid.before_request
def turn_forgers_away() -> None:
    """Over the timestamp and the raw bytes. The timestamp's shape first: nothing stands between it and the body."""
    settings = parts().settings.sendgrid
    is_mail = request.endpoint == "sendgrid.inbound_mail"
    request.max_content_length = largest(request.path)
    key = settings.inbound_public_key if is_mail else settings.event_public_key
    timestamp = request.headers.get("X-Twilio-Email-Event-Webhook-Timestamp", "")
    signature = request.headers.get("X-Twilio-Email-Event-Webhook-Signature", "")
    body = request.get_data()  # before the form is read: the other way round it is empty
    if not (key and TIMESTAMP.fullmatch(timestamp) and _is_signed_by(key, timestamp.encode() + body, signature)):
        abort(403)


@sendgrid.post("/events")
def events() -> ResponseReturnValue:
    """A batch of reports on mails. One that cannot be read or settled does not hold up the others, and does not bring
    the batch back: SendGrid repeats it whole, for a day."""
    try:
        batch = json.loads(request.get_data())
    except ValueError:
        abort(400)
    read = [_report(event) for event in batch] if isinstance(batch, list) else []
    failures = settle_each(parts().open_db, [report for report in read if report is not None], parts().clock())
    return "", 503 if any(failure and is_away(failure) for failure in failures) else 204


@sendgrid.post("/inbound")
def inbound_mail() -> ResponseReturnValue:
    """A member's answer to a mail. Taken whatever it holds: what we refuse is sent again for days, and then lost."""
    mail = read_mail(request.get_data(), request.headers.get("Content-Type", ""))
    with parts().open_db() as db:
        receive_mail(db, mail, parts().clock())
    call_people()
    return "", 204


def _report(event: Any) -> Report | None:
    if not isinstance(event, Mapping):
        return None
    name, delivery_id = event.get("event"), uuid_of(str(event.get("mid", "")))
    reported = EVENTS.get(str(name))
    if delivery_id is None or (reported is None and name not in STOPPING):
        return None
    reason = str(event.get("reason", "")).strip().lower()
    for_good = (name == "bounce" and event.get("type") != "blocked") or (
        name == "dropped" and reason in DROPPED_FOR_GOOD
    )
    return Report(
        delivery_id,
        reported or State.DELIVERED,
        provider_id=str(event.get("sg_message_id", "")).partition(".")[0][:64],
        code=str(name)[:16] if reported is State.UNDELIVERED else None,
        opted_out=for_good or name in STOPPING,
    )


def _is_signed_by(key: str, payload: bytes, signature: str) -> bool:
    try:
        public = load_der_public_key(base64.b64decode(key))
        if not isinstance(public, EllipticCurvePublicKey):
            return False
        public.verify(base64.b64decode(signature, validate=True), payload, ECDSA(SHA256()))
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def _twiml(answer: str, to: str = "") -> ResponseReturnValue:
    """As XML: Twilio texts a plain answer to the person. What it calls the answer, it says in the reports on it."""
    response = MessagingResponse()
    if answer:
        reports = f"{parts().settings.public_url}{url_for('twilio.status')}?{urlencode({'a': to})}"
        response.message(answer, status_callback=reports)
    return Response(str(response), content_type="text/xml; charset=utf-8")
