"""Starting again with a ledger that is not empty: what was accepted is still known, and goes on its way."""

import json
from collections.abc import Callable
from typing import Any

from sandbox.config import ACCOUNT
from sandbox.ledger import Row
from sandbox.lives import Said
from sandbox.segments import measure
from sandbox.sendgrid import journey
from sandbox.sendgrid.mailroom import Mail
from sandbox.twilio import lifecycle
from sandbox.twilio.messages import FINAL, Text
from sandbox.world import World


def restore(world: World) -> None:
    """Read the ledger back into the world. Messages on their way begin their journey again."""
    events = [(row["t_real"], row["seq"], _accepted, row) for row in world.ledger.rows("accepted")]
    events += [(row["t_real"], row["seq"], _said, row) for row in world.ledger.rows("said")]
    events += [(row["t_real"], row["seq"], _changed, row) for row in world.ledger.rows("state_changes")]
    happened: list[tuple[float, int, Callable[[World, Row], None], Row]] = sorted(events, key=lambda one: one[:2])
    for _, _, replay, row in happened:
        replay(world, row)
    if happened:
        world.rng.seed(f"{world.seed}/{len(happened)}")
    _go_on(world)


def _accepted(world: World, row: Row) -> None:
    detail = json.loads(row["detail"] or "{}")
    if row["provider"] == "twilio":
        world.texts.add(_text(row, detail))
    else:
        world.mailroom.add(_mail(row, detail))
    world.lives.touch(row["to_norm"], row["t_virtual"])


def _text(row: Row, detail: dict[str, Any]) -> Text:
    return Text(
        sid=row["provider_id"],
        account=row["account"],
        to=row["to_norm"],
        sender=row["from"],
        body=row["body"],
        direction=row["direction"],
        status=str(detail.get("status", "queued")),
        created=row["t_virtual"],
        segments=row["segments"],
        service=row["service"],
        callback=row["status_callback"],
        reference=row["app_message_id"],
        validity=float(detail.get("validity", 36_000)),
        send_at=detail.get("send_at"),
    )


def _mail(row: Row, detail: dict[str, Any]) -> Mail:
    return Mail(
        message_id=row["provider_id"],
        index=detail["index"],
        to=row["to_norm"],
        subject=row["subject"],
        created=row["t_virtual"],
        payload=detail["payload"],
        personalization=detail["personalization"],
    )


def _said(world: World, row: Row) -> None:
    person = row["recipient"] if row["who"] == "provider" else row["sender"]
    if row["who"] == "person" and row["channel"] == "sms":
        world.texts.add(_inbound(row))
    else:
        other = row["sender"] if row["who"] == "provider" else row["recipient"]
        subject = json.loads(row["detail"] or "{}").get("subject", "")
        world.lives.hear(person, Said(row["who"], row["channel"], other, row["body"], row["t_virtual"], subject))
    world.lives.touch(person, row["t_virtual"])


def _inbound(row: Row) -> Text:
    return Text(
        sid=row["provider_id"],
        account=ACCOUNT,
        to=row["recipient"],
        sender=row["sender"],
        body=row["body"],
        direction="inbound",
        status="received",
        created=row["t_virtual"],
        segments=measure(row["body"]).segments,
    )


def _changed(world: World, row: Row) -> None:
    name, status, moment = row["provider_id"], row["status"], row["t_virtual"]
    if status in ("blocked", "unblocked") and name not in world.texts.by_sid:
        pair = (name, row["recipient"])
        (world.texts.blocked.add if status == "blocked" else world.texts.blocked.discard)(pair)
    elif text := world.texts.by_sid.get(name):
        _change_text(world, text, row)
    for mail in world.mailroom.of(row["recipient"] or ""):
        if mail.message_id == name:
            mail.status, mail.updated = status, moment
            journey.suppress(world, mail, journey.Step(moment, status))


def _change_text(world: World, text: Text, row: Row) -> None:
    match row["status"]:
        case "deleted":
            world.texts.remove(text)
        case "redacted":
            text.body = ""
        case status:
            text.status, text.updated = status, row["t_virtual"]
            text.error = int(row["error"]) if row["error"] else None
            text.sent = row["t_virtual"] if status == "sent" else text.sent
            text.finished = row["t_virtual"] if status in FINAL else None


def _go_on(world: World) -> None:
    for text in list(world.texts.by_sid.values()):
        if text.status in ("accepted", "queued", "sending", "scheduled"):
            lifecycle.follow(world, text, lifecycle.plan(world, text))
    for mail in world.mailroom.mails:
        if mail.status == "accepted":
            journey.begin(world, mail)
