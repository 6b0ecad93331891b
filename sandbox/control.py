"""The sandbox's own API, below /_sandbox: for tests, on the loopback only."""

from typing import Any

from sandbox.answers import Answer, Request, Route
from sandbox.lives import Said
from sandbox.sendgrid import parse
from sandbox.twilio import inbound
from sandbox.world import World


def configure(world: World, request: Request) -> Answer:
    changes = request.json()
    if not isinstance(changes, dict):
        return _bad("a JSON object is needed")
    with world.lock:
        if strangers := world.config.update(changes):
            return _bad(f"not known: {', '.join(strangers)}")
    return _ok({"configured": sorted(changes)})


def read_clock(world: World, request: Request) -> Answer:
    return _ok({"now": world.clock.now(), "rate": world.clock.rate})


def set_clock(world: World, request: Request) -> Answer:
    """`advance` by seconds, doing all that falls due on the way; or set the `rate`."""
    told = request.json() or {}
    if "rate" in told:
        world.clock.set_rate(float(told["rate"]))
    if "advance" in told:
        world.clock.advance(float(told["advance"]))
    world.agenda.wake()
    world.agenda.settle(30)
    return read_clock(world, request)


def text_in(world: World, request: Request) -> Answer:
    told = request.json() or {}
    number = told.get("to") or next(iter(world.config.numbers))
    text = inbound.receive(
        world, told["from"], number, told.get("body", ""), int(told.get("media", 0)), told.get("opt_out_type", "")
    )
    return _ok({"sid": text.sid})


def ledger(world: World, request: Request) -> Answer:
    since = int(request.args.get("since", 0))
    return _ok({table: world.ledger.rows(table, since) for table in ("accepted", "refused", "state_changes", "said")})


def ledger_lines(world: World, request: Request) -> Answer:
    return Answer.of_text(200, "\n".join(world.ledger.lines()) + "\n", "application/x-ndjson")


def deliveries(world: World, request: Request) -> Answer:
    rows = world.ledger.rows("deliveries", int(request.args.get("since", 0)))
    return _ok({"deliveries": [{name: _shown(value) for name, value in row.items()} for row in rows]})


def unknown(world: World, request: Request) -> Answer:
    return _ok({"unknown": world.unknown})


def _shown(value: Any) -> Any:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _ok(value: object) -> Answer:
    return Answer.of_json(200, value)


def _bad(message: str) -> Answer:
    return Answer.of_json(400, {"error": message})


ROUTES: list[Route] = [
    ("POST", r"/_sandbox/config", configure),
    ("GET", r"/_sandbox/clock", read_clock),
    ("POST", r"/_sandbox/clock", set_clock),
    ("POST", r"/_sandbox/inbound/sms", text_in),
    ("GET", r"/_sandbox/ledger", ledger),
    ("GET", r"/_sandbox/ledger\.jsonl", ledger_lines),
    ("GET", r"/_sandbox/deliveries", deliveries),
    ("GET", r"/_sandbox/unknown", unknown),
]
__all__ = ["ROUTES", "Said", "parse"]
