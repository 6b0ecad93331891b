"""Twilio's test credentials: magic numbers, nothing stored, no callback."""

from sandbox.answers import Answer, Request
from sandbox.segments import measure
from sandbox.twilio.messages import Text
from sandbox.twilio.orders import is_number, normalised
from sandbox.twilio.refusals import RefusedError
from sandbox.world import World

FROM = {"+15005550001": 21212, "+15005550007": 21606, "+15005550008": 21611}
TO = {
    "+15005550001": 21211,
    "+15005550002": 21612,
    "+15005550003": 21408,
    "+15005550004": 21610,
    "+15005550009": 21614,
}
VALID_FROM = "+15005550006"


def create(world: World, request: Request) -> Answer:
    to, sender = normalised(request.form.get("To", "")), normalised(request.form.get("From", ""))
    body = request.form.get("Body", "")
    try:
        _check(to, sender, body)
    except RefusedError as refusal:
        return refusal.answer()
    account = request.path.split("/Accounts/")[1].split("/")[0]
    now = world.clock.now()
    with world.lock:
        sid = world.new_sid("SM")
    text = Text(sid, account, to, sender, body, "outbound-api", "queued", now, measure(body).segments)
    return Answer.of_json(201, text.resource())


def _check(to: str, sender: str, body: str) -> None:
    if not to:
        raise RefusedError(21604)
    if not sender:
        raise RefusedError(21603)
    if sender != VALID_FROM:
        raise RefusedError(FROM.get(sender, 21606), sender)
    if to in TO:
        raise RefusedError(TO[to], to, sender)
    if not is_number(to):
        raise RefusedError(21211, to)
    if not body:
        raise RefusedError(21602)
