"""From queued to delivered, or not: what happens to a message after it was taken over."""

import math
from dataclasses import dataclass

from sandbox.config import QUEUE_SECONDS
from sandbox.twilio import callbacks
from sandbox.twilio.messages import Text
from sandbox.world import World

FAILED_BEFORE_SENDING = frozenset({30001, 30002, 30010, 30024, 30032, 30033, 30034, 30035, 30036, 30500, 30610, 30640})
SIGMA_SENT = math.log(5 / 0.6) / 2.326  # median 0.6 s, 99 of 100 within 5 s
SIGMA_RECEIPT = math.log(60 / 2) / 2.326  # median 2 s, 99 of 100 within a minute


@dataclass(frozen=True)
class Step:
    """A status that a message will reach."""

    at: float
    status: str
    error: int | None = None


def plan(world: World, text: Text) -> list[Step]:
    """Decide what will become of a message, and take its place in the sender's queue."""
    if text.send_at:
        return [Step(text.send_at, "accepted")]
    number = text.sender or world.config.services[text.service or ""][0]
    rate = world.config.segments_per_second(number)
    waits = world.texts.queued_seconds(number, text.created)
    takes = text.segments / rate
    entry = [Step(text.created, "queued")] if text.service else []
    if world.texts.is_blocked(number, text.service or world.config.service_of(number), text.to):
        return [*entry, Step(text.created, "failed", 21610)]  # they opted out while it was scheduled
    if waits + takes > QUEUE_SECONDS:
        return [*entry, Step(text.created, "failed", 30001)]
    if waits > text.validity:
        return [*entry, Step(text.created + text.validity, "failed", 30036)]
    leaves = text.created + waits
    world.texts.free_at[number] = leaves + takes
    return entry + _journey(world, text, leaves + (0 if world.config.latency == "none" else takes))


def _journey(world: World, text: Text, leaves: float) -> list[Step]:
    error = _doomed(text.to)
    sent = leaves + _delay(world, 0.6, SIGMA_SENT)
    if error in FAILED_BEFORE_SENDING:
        return [Step(sent, "failed", error)]
    steps = [Step(leaves, "sending"), Step(sent, "sent")]
    if _gets_no_receipt(world, text.to):
        return steps
    receipt = sent + _delay(world, 2.0, SIGMA_RECEIPT)
    return [*steps, Step(receipt, "undelivered", error) if error else Step(receipt, "delivered")]


def _doomed(to: str) -> int | None:
    """+1 500 555 3xxx fails with 30xxx."""
    return 30_000 + int(to[-3:]) if to.startswith("+15005553") and len(to) == 12 else None


def _gets_no_receipt(world: World, to: str) -> bool:
    is_magic = to.startswith("+1500555")
    return to.endswith("9000") if is_magic else world.rng.random() < world.config.no_receipt


def _delay(world: World, median: float, sigma: float) -> float:
    return 0.0 if world.config.latency == "none" else world.rng.lognormvariate(math.log(median), sigma)


def follow(world: World, text: Text, steps: list[Step]) -> None:
    """Put the next step on the agenda; each one calls for the one after it."""
    if steps:
        world.agenda.at(steps[0].at, lambda _due: _take(world, text, steps))


def _take(world: World, text: Text, steps: list[Step]) -> None:
    step, *rest = steps
    with world.lock:
        if text.is_final:
            return
        if step.status == "accepted":  # its hour has come: now it queues like any other
            text.created, text.send_at = step.at, None
            rest = plan(world, text)
        else:
            move(world, text, step.status, step.at, step.error)
        follow(world, text, rest)


def move(world: World, text: Text, status: str, moment: float, error: int | None = None) -> None:
    """A message reaches a status: written down, and told to the application."""
    text.status, text.updated, text.error = status, moment, error
    if status in ("sending", "sent") and text.sender is None and text.service:
        world.texts.assign(text, world.config.services[text.service][0])
    if status == "sent":
        text.sent = moment
    if text.is_final:
        text.finished = moment
    world.record("state_changes", moment, provider_id=text.sid, recipient=text.to, status=status, error=error)
    world.changed()
    if status != "sending":
        callbacks.tell(world, text, status, error, moment)
    if status == "delivered":
        world.arrived(text, moment)
