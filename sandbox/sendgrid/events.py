"""The Event Webhook: events are gathered, posted in signed batches, and tried again for a day."""

import base64
import json
from typing import Any
from zlib import crc32

from sandbox.post import Parcel
from sandbox.sendgrid.mailroom import Mail
from sandbox.sendgrid.signature import SIGNATURE, TIMESTAMP, sign
from sandbox.world import World

MAX_BATCH_BYTES = 768 * 1024
FIRST_RETRY = 60.0
RETRIED_FOR = 86_400.0
READ_SECONDS = 10.0
LATE_BOUNCE_FIELDS = frozenset({"email", "timestamp", "event", "sg_event_id", "reason", "status", "type"})


def tell(world: World, mail: Mail, event: str, fields: dict[str, Any], moment: float) -> None:
    """Gather an event about a mail. It is posted with others."""
    gather(world, describe(world, mail, event, fields, moment), moment)


def describe(world: World, mail: Mail, event: str, fields: dict[str, Any], moment: float) -> dict[str, Any]:
    told: dict[str, Any] = {
        **mail.custom_args,  # reserved names win over the application's own
        "email": mail.to,
        "timestamp": int(moment),
        "smtp-id": f"<{mail.message_id}@geopod-ismtpd-1>",
        "event": event,
        "sg_event_id": _event_id(world, mail, event),
        "sg_message_id": mail.sg_message_id,
        **{name: value for name, value in fields.items() if name != "late"},
    }
    if categories := mail.payload.get("categories"):
        told["category"] = categories
    if fields.get("late"):
        return {name: value for name, value in told.items() if name in LATE_BOUNCE_FIELDS}
    return told


def gather(world: World, event: dict[str, Any], moment: float) -> None:
    """Put an event to those that wait; the first one to wait decides when they are posted."""
    if not world.config.events_url:
        return
    waiting = _waiting(world, event)
    waiting.append(event)
    if len(waiting) == 1:
        world.agenda.at(moment + world.config.event_seconds, lambda due: _post(world, waiting, due))
    elif len(body(waiting)) > MAX_BATCH_BYTES:
        _post(world, waiting, moment)


def _waiting(world: World, event: dict[str, Any]) -> list[dict[str, Any]]:
    """Each sending server gathers for itself."""
    servers = world.mailroom.gathering
    while len(servers) < max(1, world.config.event_servers):
        servers.append([])
    return servers[crc32(str(event.get("email")).encode()) % max(1, world.config.event_servers)]


def _post(world: World, waiting: list[dict[str, Any]], due: float) -> None:
    with world.lock:
        batch = list(waiting)
        waiting.clear()
    if batch:
        attempt(world, body(batch), due, due, 1)


def body(batch: list[dict[str, Any]]) -> bytes:
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

    world.post.enqueue(f"events {payload[:80]!r}", job)


def _parcel(world: World, payload: bytes, stamp: str, number: int) -> Parcel:
    headers = {"Content-Type": "application/json", "User-Agent": "SendGrid Event API"}
    if world.config.signing != "off":
        headers |= {SIGNATURE: sign(stamp, payload), TIMESTAMP: stamp}
    return Parcel(
        kind="events",
        provider_id="",
        url=world.config.events_url or "",
        headers=headers,
        body=payload,
        signature_kind="valid" if world.config.signing != "off" else "none",
        attempt=number,
        read_seconds=READ_SECONDS,
    )


def _event_id(world: World, mail: Mail, event: str) -> str:
    name = f"{event}-{mail.index}-12345-{mail.message_id}-{world.rng.getrandbits(24)}"
    return base64.urlsafe_b64encode(name.encode()).rstrip(b"=").decode()
