"""Reading what happened: counters, the ledger, webhooks, the audit."""

from typing import Any

from sandbox import audit
from sandbox.answers import Answer, Request, Route
from sandbox.control.replies import BadRequestError, ok
from sandbox.world import World


def state(world: World, request: Request) -> Answer:
    now = world.clock.now()
    with world.lock:
        blocked = sorted(world.texts.blocked)
        queues = {number: world.texts.queued_seconds(number, now) for number in world.config.numbers}
        return ok(
            {
                "now": now,
                "texts": len(world.texts.by_sid),
                "mails": len(world.mailroom.mails),
                "queued_seconds": queues,
                "pending": len(world.agenda),
                "in_flight": world.post.in_flight,
                "blocked": blocked,
                "suppressed": {name: sorted(entries) for name, entries in world.mailroom.suppressed.items()},
                "unknown": len(world.unknown),
            }
        )


def ledger(world: World, request: Request) -> Answer:
    since = int(request.args.get("since", 0))
    return ok({table: world.ledger.rows(table, since) for table in ("accepted", "refused", "state_changes", "said")})


def ledger_lines(world: World, request: Request) -> Answer:
    return Answer.of_text(200, "".join(f"{line}\n" for line in world.ledger.lines()), "application/x-ndjson")


def deliveries(world: World, request: Request) -> Answer:
    """Every webhook attempt."""
    rows = world.ledger.rows("deliveries", int(request.args.get("since", 0)))
    return ok({"deliveries": [{name: _shown(value) for name, value in row.items()} for row in rows]})


def _shown(value: Any) -> Any:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def unknown(world: World, request: Request) -> Answer:
    return ok({"unknown": world.unknown})


def expect(world: World, request: Request) -> Answer:
    """What a test expects: a list of messages, or an object that also holds rules. Kept beside the ledger."""
    try:
        world.expectation = audit.expectation_of(request.json())
    except ValueError as error:
        raise BadRequestError(str(error)) from error
    audit.keep(world.folder, world.expectation)
    return ok({"expected": len(world.expectation["messages"])})


def judge(world: World, request: Request) -> Answer:
    """Compare the ledger with what is expected. Green only if every list is empty."""
    return ok(audit.verdict(world.ledger.rows, world.expectation, world.clock.now()))


ROUTES: list[Route] = [
    ("GET", r"/_sandbox/state", state),
    ("GET", r"/_sandbox/ledger", ledger),
    ("GET", r"/_sandbox/ledger\.jsonl", ledger_lines),
    ("GET", r"/_sandbox/deliveries", deliveries),
    ("GET", r"/_sandbox/unknown", unknown),
    ("POST", r"/_sandbox/expect", expect),
    ("GET", r"/_sandbox/audit", judge),
]
