"""A request for a message, and the checks it goes through, in Twilio's order."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl, urlsplit

from sandbox import config
from sandbox.answers import Request
from sandbox.segments import Size, measure, smart
from sandbox.twilio.refusals import RefusedError
from sandbox.world import World

KNOWN = frozenset(
    [
        "To",
        "From",
        "MessagingServiceSid",
        "Body",
        "MediaUrl",
        "ContentSid",
        "ContentVariables",
        "StatusCallback",
        "ValidityPeriod",
        "SmartEncoded",
        "ShortenUrls",
        "ScheduleType",
        "SendAt",
        "ContentRetention",
        "AddressRetention",
        "RiskCheck",
        "MaxPrice",
        "MessageIntent",
        "ProvideFeedback",
        "Attempt",
        "ForceDelivery",
        "PersistentAction",
        "ApplicationSid",
        "SendAsMms",
        "TrafficType",
        "FallbackFrom",
    ]
)
MAX_CHARACTERS = 1600
MAX_VALIDITY = 36_000
SCHEDULE_WINDOW = (15 * 60, 35 * 86_400)


@dataclass
class Order:
    """What the client asks for, normalised."""

    account: str
    to: str
    to_as_given: str
    sender: str
    service: str
    text: str
    size: Size
    callback: str
    validity: str
    send_at: float | None
    schedule_type: str
    unknown: list[str]
    has_content: bool
    media: int

    @property
    def reference(self) -> str | None:
        return dict(parse_qsl(urlsplit(self.callback).query)).get("m")


def read(world: World, request: Request, account: str) -> Order:
    form = request.form
    text = smart(form.get("Body", "")) if form.get("SmartEncoded") == "true" else form.get("Body", "")
    return Order(
        account=account,
        to=normalised(form.get("To", "")),
        to_as_given=form.get("To", ""),
        sender=normalised(form.get("From", "")),
        service=form.get("MessagingServiceSid", ""),
        text=text,
        size=measure(text),
        callback=form.get("StatusCallback", "") or world.config.status_url or "",
        validity=form.get("ValidityPeriod", str(MAX_VALIDITY)),
        send_at=_instant(form.get("SendAt", "")),
        schedule_type=form.get("ScheduleType", ""),
        unknown=sorted(set(form) - KNOWN),
        has_content=bool(text or form.get("MediaUrl") or form.get("ContentSid")),
        media=sum(name == "MediaUrl" for name, _ in request.form_pairs),
    )


def check(world: World, order: Order) -> None:
    """Refuse what Twilio would. The first objection counts."""
    for objection in CHECKS:
        objection(world, order)


def normalised(number: str) -> str:
    return re.sub(r"[\s().-]", "", number)


def is_number(text: str) -> bool:
    return re.fullmatch(r"\+[1-9]\d{6,14}", text) is not None


def _parameters(world: World, order: Order) -> None:
    if world.config.strict and order.unknown:
        raise RefusedError(20001, ", ".join(order.unknown))


def _to_is_there(world: World, order: Order) -> None:
    if not order.to:
        raise RefusedError(21604, field="To")


def _sender_is_there(world: World, order: Order) -> None:
    if not (order.sender or order.service):
        raise RefusedError(21603, field="From")


def _service_is_known(world: World, order: Order) -> None:
    if order.service and (order.account == config.FOREIGN_ACCOUNT or order.service not in world.config.services):
        raise RefusedError(21705, order.service, field="MessagingServiceSid")


def _to_is_a_number(world: World, order: Order) -> None:
    if not is_number(order.to):
        raise RefusedError(21211, order.to_as_given, field="To")


def _sender_is_ours(world: World, order: Order) -> None:
    if order.service:
        return
    if not (is_number(order.sender) or re.fullmatch(r"\d{3,8}|[A-Za-z][A-Za-z0-9 ]{1,10}", order.sender)):
        raise RefusedError(21212, order.sender, field="From")
    if order.account == config.FOREIGN_ACCOUNT or order.sender not in world.config.numbers:
        raise RefusedError(21606, order.sender, field="From")


def _has_words(world: World, order: Order) -> None:
    if not order.has_content:
        raise RefusedError(21602, field="Body")


def _is_short_enough(world: World, order: Order) -> None:
    if len(order.text) > MAX_CHARACTERS:
        raise RefusedError(21617, field="Body")


def _callback_is_a_url(world: World, order: Order) -> None:
    if not order.callback:
        return
    where = urlsplit(order.callback)
    if where.scheme not in ("http", "https") or not where.hostname or "_" in where.hostname:
        raise RefusedError(21609, order.callback, field="StatusCallback")


def _validity_is_in_range(world: World, order: Order) -> None:
    if not (order.validity.isdecimal() and 1 <= int(order.validity) <= MAX_VALIDITY):
        raise RefusedError(21624, order.validity, field="ValidityPeriod")


def _schedule_is_possible(world: World, order: Order) -> None:
    if not order.schedule_type and order.send_at is None:
        return
    if not order.service:
        raise RefusedError(35118)
    if order.send_at is None:
        raise RefusedError(35111)
    earliest, latest = SCHEDULE_WINDOW
    if not earliest <= order.send_at - world.clock.now() <= latest:
        raise RefusedError(35114)


def _country_is_allowed(world: World, order: Order) -> None:
    prefixes = world.config.allowed_prefixes
    if prefixes is not None and not order.to.startswith(tuple(prefixes)):
        raise RefusedError(21408, order.to, field="To")


def _is_no_landline(world: World, order: Order) -> None:
    if order.to in world.config.landlines or (order.to.startswith("+1500555") and order.to.endswith("9614")):
        raise RefusedError(21614 if order.to.startswith("+1") else 21635, order.to, field="To")


def _did_not_opt_out(world: World, order: Order) -> None:
    is_magic = order.to.startswith("+1500555") and order.to.endswith("9610")
    if order.service and world.config.service_fails_opt_outs:
        return
    if is_magic or world.texts.is_blocked(
        order.sender, order.service or world.config.service_of(order.sender), order.to
    ):
        raise RefusedError(21610)


def _queue_has_room(world: World, order: Order) -> None:
    """A full queue is told at once to who names the number. A Messaging Service takes it and fails it later."""
    if order.service:
        return
    ahead = world.texts.queued_seconds(order.sender, world.clock.now())
    if ahead + order.size.segments / world.config.segments_per_second(order.sender) > config.QUEUE_SECONDS:
        raise RefusedError(21611)


CHECKS: list[Callable[[World, Order], None]] = [
    _parameters,
    _to_is_there,
    _sender_is_there,
    _service_is_known,
    _to_is_a_number,
    _sender_is_ours,
    _has_words,
    _is_short_enough,
    _callback_is_a_url,
    _validity_is_in_range,
    _schedule_is_possible,
    _country_is_allowed,
    _is_no_landline,
    _did_not_opt_out,
    _queue_has_room,
]


def _instant(text: str) -> float | None:
    try:
        return datetime.fromisoformat(text).timestamp() if text else None
    except ValueError:
        return None
