"""What becomes of a mail after it was taken over, and the events that tell of it."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.sendgrid import events
from sandbox.sendgrid.mailroom import Mail, Suppressed
from sandbox.world import World

DEFERRED_EVERY = 3600.0
DEFERRED_FOR = 72 * 3600.0


@dataclass(frozen=True)
class Step:
    """An event to come."""

    at: float
    event: str
    fields: dict[str, Any] = field(default_factory=dict)


def begin(world: World, mail: Mail) -> None:
    """Put what will become of a mail on the agenda."""
    start = max(mail.created, float(mail.personalization.get("send_at") or mail.payload.get("send_at") or 0))
    for step in _steps(world, mail, start):
        world.agenda.at(step.at, _taking(world, mail, step))


def _taking(world: World, mail: Mail, step: Step) -> Callable[[float], None]:
    return lambda _due: take(world, mail, step)


def take(world: World, mail: Mail, step: Step) -> None:
    """A mail reaches a state: written down, and told to the application."""
    with world.lock:
        if world.mailroom.batches.get(str(mail.payload.get("batch_id"))):  # cancelled or paused
            return
        mail.status, mail.updated = _status(step), step.at
        world.record(
            "state_changes", step.at, provider_id=mail.message_id, recipient=mail.to, status=mail.status, error=None
        )
        suppress(world, mail, step)
        world.changed()
        events.tell(world, mail, step.event, step.fields, step.at)
    if step.event == "delivered":
        world.arrived(mail, step.at)


def _status(step: Step) -> str:
    return "blocked" if step.fields.get("type") == "blocked" else step.event


def _steps(world: World, mail: Mail, start: float) -> list[Step]:
    processed = start + _between(world, 0.2, 2.0)
    arrives = processed + _between(world, 1.0, 5.0)
    if reason := world.mailroom.why_suppressed(mail) or _dropped(mail.to):
        return [Step(processed, "dropped", {"reason": reason, "status": "5.0.0"})]
    return [Step(processed, "processed"), *_endings(mail.to, arrives), *_tracked(mail, arrives)]


def _endings(address: str, arrives: float) -> list[Step]:
    match _role(address):
        case "bounce":
            return [Step(arrives, "bounce", BOUNCED)]
        case "block":
            return [Step(arrives, "bounce", BLOCKED)]
        case "spam":
            return [_delivered(arrives), Step(arrives + 60, "spamreport")]
        case "late-bounce":
            return [_delivered(arrives), Step(arrives + 86_400, "bounce", {**BOUNCED, "late": True})]
        case role if found := re.fullmatch(r"defer(\d*)", role):
            return _deferrals(int(found[1] or 3), arrives)
    return [_delivered(arrives)]


def _deferrals(times: int, arrives: float) -> list[Step]:
    """Deferred so many times, then delivered; or blocked if that takes more than 72 hours."""
    waits = [number * DEFERRED_EVERY for number in range(times)]
    steps = [
        Step(arrives + wait, "deferred", {"response": "450 4.7.1 Greylisted, try again later", "attempt": str(n + 1)})
        for n, wait in enumerate(waits)
        if wait < DEFERRED_FOR
    ]
    if times * DEFERRED_EVERY >= DEFERRED_FOR:
        return [*steps, Step(arrives + DEFERRED_FOR, "bounce", BLOCKED)]
    return [*steps, _delivered(arrives + times * DEFERRED_EVERY)]


def _tracked(mail: Mail, arrives: float) -> list[Step]:
    """SendGrid sees people open a mail, unless tracking was switched off in it."""
    tracking = (mail.payload.get("tracking_settings") or {}).get("open_tracking") or {}
    if tracking.get("enable") is False or not mail.content("text/html") or _role(mail.to) in ("bounce", "block"):
        return []
    return [Step(arrives + 300, "open", {"useragent": "Mozilla/5.0", "ip": "203.0.113.9", "sg_machine_open": True})]


BOUNCED = {
    "reason": "550 5.1.1 The email account that you tried to reach does not exist",
    "status": "5.1.1",
    "type": "bounce",
    "bounce_classification": "Invalid Address",
}
BLOCKED = {
    "reason": "550 5.7.1 Blocked - see https://support.example.net",
    "status": "5.7.1",
    "type": "blocked",
    "bounce_classification": "Reputation",
}


def _delivered(at: float) -> Step:
    return Step(at, "delivered", {"response": "250 2.0.0 OK"})


def _role(address: str) -> str:
    """What the local part asks for, in any domain of sandbox.test."""
    local, _, domain = address.partition("@")
    return local if re.search(r"(^|\.)sandbox\.test$", domain) else ""


def _dropped(address: str) -> str | None:
    return "Bounced Address" if _role(address) == "drop" else None


def suppress(world: World, mail: Mail, step: Step) -> None:
    """Put an address on the list that belongs to what happened, if one does."""
    names = {"bounce": "bounces", "blocked": "blocks", "spamreport": "spam_reports", "unsubscribe": "unsubscribes"}
    if name := names.get(_status(step)):
        entry = Suppressed(mail.to, step.at, step.fields.get("reason", ""), step.fields.get("status", ""))
        world.mailroom.suppress(name, entry)


def _between(world: World, low: float, high: float) -> float:
    return 0.0 if world.config.latency == "none" else world.rng.uniform(low, high)
