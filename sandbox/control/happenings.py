"""Making things happen: a person texts or mails, a provider reports, time passes until all is quiet."""

import base64
import json
import time
from functools import cache
from pathlib import Path
from typing import Any

from sandbox.answers import Answer, Request, Route
from sandbox.control.replies import BadRequestError, needed, ok, told
from sandbox.sendgrid import journey, parse
from sandbox.sendgrid.letters import Letter
from sandbox.twilio import inbound, lifecycle
from sandbox.world import World

SAMPLES = Path(__file__).parent.parent / "samples" / "inbound_parse.json"
LOOK_EVERY = 0.003


def text_in(world: World, request: Request) -> Answer:
    """A person texts one of our numbers."""
    wanted = told(request)
    text = inbound.receive(
        world,
        str(needed(wanted, "from")),
        wanted.get("to") or next(iter(world.config.numbers)),
        str(wanted.get("body", "")),
        int(wanted.get("media", 0)),
        wanted.get("opt_out_type", ""),
    )
    return ok({"sid": text.sid})


def mail_in(world: World, request: Request) -> Answer:
    """A person mails us: as described, or one of the recorded samples, byte for byte."""
    wanted = told(request)
    if "sample" in wanted:
        return _sample_in(world, wanted)
    files = tuple(
        (one["filename"], one.get("type", "application/octet-stream"), base64.b64decode(one["content"]))
        for one in wanted.pop("attachments", [])
    )
    sender, to, is_signed = needed(wanted, "from"), needed(wanted, "to"), wanted.pop("signed", None)
    rest = {name: value for name, value in wanted.items() if name not in ("from", "to")}
    try:
        letter = Letter(sender, to, attachments=files, **rest)
    except TypeError as error:
        raise BadRequestError(str(error)) from error
    return ok({"name": parse.receive(world, letter, is_signed=is_signed)})


def _sample_in(world: World, wanted: dict[str, Any]) -> Answer:
    found = samples().get(wanted["sample"])
    if found is None:
        raise BadRequestError(f"there is no sample {wanted['sample']!r}")
    body = base64.b64decode(found["raw_body_b64"])
    for old, new in wanted.get("replace", {}).items():
        body = body.replace(old.encode(), new.encode())
    name = f"sample {wanted['sample']}"
    parse.post(world, name, body, world.clock.now(), found["content_type"], is_signed=wanted.get("signed"))
    return ok({"name": name})


@cache
def samples() -> dict[str, Any]:
    """Recorded Inbound Parse posts, by id."""
    return {one["id"]: one for one in json.loads(SAMPLES.read_text(encoding="utf-8"))["samples"]}


def force(world: World, request: Request, name: str) -> Answer:
    """A text reaches a `status` (with `error`), or a mail has an `event` (with `fields`), now."""
    wanted, now = told(request), world.clock.now()
    with world.lock:
        if text := world.texts.by_sid.get(name):
            lifecycle.move(world, text, str(needed(wanted, "status")), now, wanted.get("error"))
            return ok({"status": text.status})
    mails = [mail for mail in world.mailroom.mails if mail.message_id == name]
    if not mails:
        raise BadRequestError(f"there is no message {name}")
    for mail in mails:
        journey.take(world, mail, journey.Step(now, str(needed(wanted, "event")), wanted.get("fields", {})))
    return ok({"mails": len(mails)})


def quiesce(world: World, request: Request) -> Answer:
    """Wait until nothing is under way. With `ahead`, virtual time jumps from one thing to the next, so far at most."""
    deadline = time.monotonic() + float(request.args.get("timeout", 10))
    ahead = float(request.args.get("ahead", 0))
    horizon = world.clock.now() + ahead if ahead else float("inf")
    is_quiet = False
    while not is_quiet and (left := deadline - time.monotonic()) > 0:
        is_quiet = world.agenda.settle(left) and world.post.settle(left) and not _comes(world, horizon, jumps=ahead > 0)
    return ok({"quiet": is_quiet, "pending": len(world.agenda), "in_flight": world.post.in_flight})


def _comes(world: World, horizon: float, *, jumps: bool) -> bool:
    """Whether there is something still to come. Moves the clock to it, or waits a moment."""
    due = world.agenda.next_due()
    if due is None or due > horizon:
        return world.post.in_flight > 0
    if jumps:
        world.clock.advance(max(0.0, due - world.clock.now()))
        world.agenda.wake()
    else:
        time.sleep(LOOK_EVERY)
    return True


ROUTES: list[Route] = [
    ("POST", r"/_sandbox/inbound/sms", text_in),
    ("POST", r"/_sandbox/inbound/email", mail_in),
    ("POST", r"/_sandbox/events/(?P<name>[A-Za-z0-9_-]+)", force),
    ("GET", r"/_sandbox/quiesce", quiesce),
]
