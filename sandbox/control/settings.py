"""Setting the scene: configuration, the clock, faults, people, and starting over."""

import time
from typing import Any

from sandbox.answers import Answer, Request, Route
from sandbox.audit.case import instant
from sandbox.behaviours import Behaviour
from sandbox.control.replies import BadRequestError, needed, ok, told
from sandbox.faults.plans import Plan
from sandbox.world import World

SETTLE_SECONDS = 60.0


def reset(world: World, request: Request) -> Answer:
    """Forget everything. `seed`, `now` and `rate` may be given; the configuration stays unless `config` is."""
    wanted = told(request)
    world.agenda.clear()
    world.agenda.settle(SETTLE_SECONDS)
    world.post.settle(SETTLE_SECONDS)
    with world.lock:
        world.agenda.clear()
        world.ledger.clear()
        world.begin(wanted.get("seed", world.seed))
    if "now" in wanted:
        world.clock.set(_instant(wanted["now"]))
    if "rate" in wanted:
        world.clock.set_rate(float(wanted["rate"]))
    if "config" in wanted:
        _configure(world, wanted["config"])
    return ok({"seed": world.seed, "now": world.clock.now()})


def _instant(told: Any) -> float:
    try:
        return instant(told) or 0.0
    except ValueError as error:
        raise BadRequestError(str(error)) from error


def configure(world: World, request: Request) -> Answer:
    wanted = told(request)
    _configure(world, wanted)
    return ok({"configured": sorted(wanted)})


def _configure(world: World, wanted: dict[str, Any]) -> None:
    with world.lock:
        if strangers := world.config.update(wanted):
            raise BadRequestError(f"not known: {', '.join(strangers)}")


def read_clock(world: World, request: Request) -> Answer:
    return ok({"now": world.clock.now(), "rate": world.clock.rate})


def set_clock(world: World, request: Request) -> Answer:
    """`advance` by seconds, doing all that falls due on the way, webhooks included; or set the `rate`."""
    wanted = told(request)
    if "rate" in wanted:
        world.clock.set_rate(float(wanted["rate"]))
    world.clock.advance(float(wanted.get("advance", 0)))
    world.agenda.wake()
    deadline = time.monotonic() + SETTLE_SECONDS
    while (left := deadline - time.monotonic()) > 0:
        if world.agenda.settle(left) and world.post.settle(left) and world.agenda.settle(0):
            break
    return read_clock(world, request)


def add_faults(world: World, request: Request) -> Answer:
    """One plan, or a list of them. They come after those that are there."""
    value = request.json()
    try:
        plans = [Plan.of(one) for one in (value if isinstance(value, list) else [value])]
    except (ValueError, TypeError, AttributeError) as error:
        raise BadRequestError(str(error)) from error
    for plan in plans:
        _start(world, plan)
    return read_faults(world, request)


def _start(world: World, plan: Plan) -> None:
    """Doors fail at once; everything else waits for what it matches."""
    seconds = plan.number("seconds", 1.0)
    match plan.fault:
        case "connect_refused":
            world.agenda.at(world.clock.now(), lambda _due: world.close_doors(seconds))
        case "tls_error":
            world.break_handshakes(plan.times or 1)
    with world.lock:
        world.faults.plans.append(plan)


def read_faults(world: World, request: Request) -> Answer:
    return ok({"faults": world.faults.as_json()})


def clear_faults(world: World, request: Request) -> Answer:
    with world.lock:
        world.faults.plans.clear()
    return read_faults(world, request)


def script(world: World, request: Request) -> Answer:
    """Somebody behaves in a certain way from now on."""
    wanted = told(request)
    person = wanted.get("number") or wanted.get("email")
    if not person:
        raise BadRequestError("'number' or 'email' is missing")
    try:
        world.people.script(str(person).lower(), Behaviour.of(needed(wanted, "behaviour")))
    except (ValueError, TypeError) as error:
        raise BadRequestError(str(error)) from error
    return ok({"people": world.people.as_json()})


ROUTES: list[Route] = [
    ("POST", r"/_sandbox/reset", reset),
    ("POST", r"/_sandbox/config", configure),
    ("GET", r"/_sandbox/clock", read_clock),
    ("POST", r"/_sandbox/clock", set_clock),
    ("POST", r"/_sandbox/faults", add_faults),
    ("GET", r"/_sandbox/faults", read_faults),
    ("DELETE", r"/_sandbox/faults", clear_faults),
    ("POST", r"/_sandbox/people", script),
]
