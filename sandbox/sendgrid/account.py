"""The rest of the account: batches, scheduled sends, webhook settings, scopes."""

import time

from sandbox.answers import Answer, Request, Route
from sandbox.sendgrid import events
from sandbox.sendgrid.access import RefusedError, check
from sandbox.sendgrid.signature import PUBLIC_KEY
from sandbox.world import World

SCOPES = ["mail.send", "mail.batch.create", "suppression.read", "suppression.delete", "asm.groups.read"]


def new_batch(world: World, request: Request) -> Answer:
    check(world, request)
    with world.lock:
        batch = world.new_id(40)
        world.mailroom.batches[batch] = ""
    return Answer.of_json(201, {"batch_id": batch})


def read_batch(world: World, request: Request, batch: str) -> Answer:
    check(world, request)
    if batch not in world.mailroom.batches:
        raise RefusedError(400, "invalid batch id")
    return Answer.of_json(200, {"batch_id": batch})


def scheduled(world: World, request: Request) -> Answer:
    check(world, request)
    return Answer.of_json(200, _scheduled(world))


def scheduled_one(world: World, request: Request, batch: str) -> Answer:
    check(world, request)
    return Answer.of_json(200, [one for one in _scheduled(world) if one["batch_id"] == batch])


def schedule(world: World, request: Request) -> Answer:
    """Cancel or pause a batch."""
    check(world, request)
    told = request.json() or {}
    if told.get("status") not in ("cancel", "pause"):
        raise RefusedError(400, "status must be either cancel or pause", field="status")
    if told.get("batch_id") not in world.mailroom.batches:
        raise RefusedError(400, "invalid batch id", field="batch_id")
    world.mailroom.batches[told["batch_id"]] = told["status"]
    return Answer.of_json(201, told)


def reschedule(world: World, request: Request, batch: str) -> Answer:
    check(world, request)
    if not world.mailroom.batches.get(batch):
        raise RefusedError(404, "batch id not found")
    world.mailroom.batches[batch] = (request.json() or {}).get("status", "cancel")
    return Answer(204)


def unschedule(world: World, request: Request, batch: str) -> Answer:
    check(world, request)
    if batch in world.mailroom.batches:
        world.mailroom.batches[batch] = ""
    return Answer(204)


def _scheduled(world: World) -> list[dict[str, str]]:
    return [{"batch_id": batch, "status": status} for batch, status in world.mailroom.batches.items() if status]


def public_key(world: World, request: Request) -> Answer:
    check(world, request)
    return Answer.of_json(200, {"id": "sandbox", "public_key": PUBLIC_KEY})


def test_event(world: World, request: Request) -> Answer:
    """Post a made-up event to the application."""
    check(world, request)
    event = {
        "email": "example@test.com",
        "timestamp": int(world.clock.now()),
        "event": "processed",
        "sg_event_id": f"test-{time.time_ns()}",
        "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0",
    }
    if world.config.events_url:
        now = world.clock.now()
        events.attempt(world, events.body([event]), now, now, 1)
    return Answer(204)


def scopes(world: World, request: Request) -> Answer:
    check(world, request)
    return Answer.of_json(200, {"scopes": SCOPES})


BATCH = r"(?P<batch>[A-Za-z0-9_-]+)"
ROUTES: list[Route] = [
    ("POST", r"/v3/mail/batch", new_batch),
    ("GET", rf"/v3/mail/batch/{BATCH}", read_batch),
    ("GET", r"/v3/user/scheduled_sends", scheduled),
    ("POST", r"/v3/user/scheduled_sends", schedule),
    ("GET", rf"/v3/user/scheduled_sends/{BATCH}", scheduled_one),
    ("PATCH", rf"/v3/user/scheduled_sends/{BATCH}", reschedule),
    ("DELETE", rf"/v3/user/scheduled_sends/{BATCH}", unschedule),
    ("GET", r"/v3/user/webhooks/event/settings/signed(?:/[A-Za-z0-9-]+)?", public_key),
    ("POST", r"/v3/user/webhooks/event/test", test_event),
    ("GET", r"/v3/scopes", scopes),
]
