"""The Event Webhook: events are gathered, posted in signed batches, and tried again for a day."""

import base64
import json
from collections.abc import Iterator
from typing import Any
from zlib import crc32

from sandbox.faults.plans import Plan
from sandbox.post import Parcel
from sandbox.sendgrid.mailroom import Mail
from sandbox.sendgrid.signature import SIGNATURE, TIMESTAMP, sign
from sandbox.world import World

Event = dict[str, Any]

MAX_BATCH_BYTES = 768 * 1024
FIRST_RETRY = 60.0
RETRIED_FOR = 86_400.0
READ_SECONDS = 10.0
LATE_BOUNCE_FIELDS = frozenset({"email", "timestamp", "event", "sg_event_id", "reason", "status", "type"})


def tell(world: World, mail: Mail, kind: str, fields: Event, moment: float) -> None:
    """Gather an event about a mail. It is posted with others. Whoever calls holds the world's lock."""
    event = describe(world, mail, kind, fields, moment)
    plan = world.faults.pick(world.rng, "sendgrid", "event", to=mail.to, event=kind)
    if plan and plan.fault == "ev_delay":
        later = moment + plan.number("hours", 6) * 3600
        world.agenda.at(later, lambda due: gather(world, event, due))
        return
    for one in _versions(event, plan):
        gather(world, one, moment)


def describe(world: World, mail: Mail, kind: str, fields: Event, moment: float) -> Event:
    told: Event = {
        **mail.custom_args,  # reserved names win over the application's own
        "email": mail.to,
        "timestamp": int(moment),
        "smtp-id": f"<{mail.message_id}@geopod-ismtpd-1>",
        "event": kind,
        "sg_event_id": _event_id(world, mail, kind),
        "sg_message_id": mail.sg_message_id,
        **{name: value for name, value in fields.items() if name != "late"},
    }
    if categories := mail.payload.get("categories"):
        told["category"] = categories
    if fields.get("late"):
        return {name: value for name, value in told.items() if name in LATE_BOUNCE_FIELDS}
    return told


def _event_id(world: World, mail: Mail, kind: str) -> str:
    name = f"{kind}-{mail.index}-12345-{mail.message_id}-{world.rng.getrandbits(24)}"
    return base64.urlsafe_b64encode(name.encode()).rstrip(b"=").decode()


def _versions(event: Event, plan: Plan | None) -> Iterator[Event]:
    match plan.fault if plan else "":
        case "ev_missing_args":
            yield {name: value for name, value in event.items() if name in LATE_BOUNCE_FIELDS}
        case "ev_garbage_type":
            yield {**event, "event": "quantum", "sg_event_id": event["sg_event_id"][::-1]}
            yield event
        case "ev_duplicate":
            yield event
            yield event
        case _:
            yield event


def gather(world: World, event: Event, moment: float) -> None:
    """Put an event to those that wait; the first one to wait decides when they are posted."""
    if not world.config.events_url:
        return
    with world.lock:
        waiting = _waiting(world, event)
        waiting.append(event)
        if len(waiting) == 1:
            world.agenda.at(moment + world.config.event_seconds, lambda due: flush(world, waiting, due))
        elif len(waiting) % 500 == 0 and len(body(waiting)) > MAX_BATCH_BYTES:
            flush(world, waiting, moment)


def _waiting(world: World, event: Event) -> list[Event]:
    """Each sending server gathers for itself."""
    servers = world.mailroom.gathering
    count = max(1, world.config.event_servers)
    while len(servers) < count:
        servers.append([])
    return servers[crc32(str(event.get("email")).encode()) % count]


def flush(world: World, waiting: list[Event], due: float) -> None:
    """Post what a server has gathered."""
    with world.lock:
        plan = world.faults.pick(world.rng, "sendgrid", "batch", size=str(len(waiting)))
        if plan and plan.fault == "ev_merge":
            world.agenda.at(due + world.config.event_seconds, lambda later: flush(world, waiting, later))
            return
        batch = list(waiting)
        waiting.clear()
    if batch:
        _post(world, batch, plan, due)


def _post(world: World, batch: list[Event], plan: Plan | None, due: float) -> None:
    match plan.fault if plan else "":
        case "ev_reorder":
            attempt(world, body(batch[::-1]), due, due, 1)
        case "ev_split":
            for event in batch:
                attempt(world, body([event]), due, due, 1)
        case "ev_bad_signature":
            forged = body([{**event, "event": "bounce", "type": "bounce"} for event in batch])
            _enqueue(world, _parcel(world, forged, str(int(due)), 1, foreign=True))
            attempt(world, body(batch), due, due, 1)
        case "ev_big_batch":
            attempt(world, body(batch + _strangers(plan, batch[0])), due, due, 1)
        case _:
            attempt(world, body(batch), due, due, 1)


def _strangers(plan: Plan | None, like: Event) -> list[Event]:
    """Events about mail that the application never sent."""
    count = int(plan.number("n", 1000)) if plan else 0
    kept = {name: value for name, value in like.items() if name in LATE_BOUNCE_FIELDS}
    return [{**kept, "email": f"stranger{n}@sandbox.test", "sg_event_id": f"stranger-{n}"} for n in range(count)]


def body(batch: list[Event]) -> bytes:
    """A JSON array, an event a line, CRLF between them and at the end."""
    lines = ",\r\n".join(json.dumps(event, ensure_ascii=False, separators=(",", ":")) for event in batch)
    return f"[{lines}]\r\n".encode()


def attempt(world: World, payload: bytes, first: float, due: float, number: int, timestamp: str | None = None) -> None:
    """Post a batch on another thread; try again later, at growing gaps, for a day."""
    stamp = timestamp or str(int(due))
    kept = None if world.config.renew_timestamp_on_retry else stamp
    parcel = _parcel(world, payload, stamp, number)

    def job() -> None:
        outcome = world.post.deliver(parcel)
        again = due + FIRST_RETRY * 2 ** (number - 1)
        if not outcome.is_ok and again - first <= RETRIED_FOR:
            world.agenda.at(again, lambda later: attempt(world, payload, first, later, number + 1, kept))

    world.post.enqueue(f"events {crc32(payload)}", job)


def _enqueue(world: World, parcel: Parcel) -> None:
    world.post.enqueue(f"events {crc32(parcel.body)}", lambda: world.post.deliver(parcel))


def _parcel(world: World, payload: bytes, stamp: str, number: int, *, foreign: bool = False) -> Parcel:
    headers = {"Content-Type": "application/json", "User-Agent": "SendGrid Event API"}
    is_signed = world.config.signing != "off"
    if is_signed:
        headers |= {SIGNATURE: sign(stamp, payload, foreign=foreign), TIMESTAMP: stamp}
    return Parcel(
        kind="events",
        provider_id="",
        url=world.config.events_url or "",
        headers=headers,
        body=payload,
        signature_kind=("bad" if foreign else "valid") if is_signed else "off",
        attempt=number,
        read_seconds=READ_SECONDS,
    )
