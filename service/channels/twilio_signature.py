"""Whether a webhook was really sent by Twilio. Apart from the adapter, so that the web need not load the client."""

from collections.abc import Mapping
from hmac import compare_digest

from twilio.request_validator import RequestValidator
from werkzeug.datastructures import MultiDict

from service.rules.lifecycle import State

STATUSES: Mapping[str, State] = {
    "sent": State.SENT,
    "delivered": State.DELIVERED,
    "read": State.DELIVERED,
    "undelivered": State.UNDELIVERED,
    "failed": State.UNDELIVERED,
    "canceled": State.UNDELIVERED,
    # of a text whose answer was lost these are the first word that it was accepted
    "accepted": State.ACCEPTED,
    "scheduled": State.ACCEPTED,
    "queued": State.ACCEPTED,
    "sending": State.ACCEPTED,
}


def is_signed(token: str, url: str, form: MultiDict[str, str], signature: str) -> bool:
    """`url` is the public address with its query, as Twilio called it."""
    if not signature:  # the validator raises TypeError without one
        return False
    # the validator takes the address apart and tries it with and without a port, which costs as much as the rest
    return is_signed_as_called(token, url, form, signature) or bool(
        RequestValidator(token).validate(url, form, signature)
    )


def is_signed_as_called(token: str, url: str, form: Mapping[str, str], signature: str) -> bool:
    """Over the very address."""
    as_called = RequestValidator(token).compute_signature(url, form)
    return compare_digest(as_called.encode(), signature.encode())
