"""What must hold of a world that came to rest: read off the providers' ledger, the events and the final rows."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

from service.models import Delivery, DeliveryEvent
from service.rules.consent import Channel
from service.rules.kinds import NATURES, Kind, WhenUnknown
from service.rules.lifecycle import MOVES, REPORTED, State
from tests.faults.operations import No, report_on
from tests.faults.provider import Outcome
from tests.faults.world import ENOUGH_TURNS, World

RANKS = {State.ACCEPTED: 1, State.SENT: 2, State.UNDELIVERED: 3, State.DELIVERED: 4}
NEWS = (Kind.MOVED, Kind.CANCELLED)
UNPROVEN = {"looked up in vain", "nobody can say"}


def come_to_rest(world: World) -> bool:
    """Everybody works again, as long as there is anything to do. Returns whether it ends."""
    for worker in world.workers.values():
        worker.call()
        worker.record()
    for _ in range(ENOUGH_TURNS):
        world.upkeep()
        world.round()
        moment = world.next_moment()
        if moment is None:
            return True
        world.go_to(moment)
    return False


def violations(world: World) -> Iterator[str]:
    """Let it come to rest, judge, let every message be reported on, and judge again."""
    if not come_to_rest(world):
        yield f"stuck: {sorted({row.state.value for row in world.deliveries() if row.state not in REPORTED})}"
    rows, events = world.deliveries(), _by_delivery(world.events())
    for row in rows:
        yield from _of_copies(world, row)
        yield from _of_one(world, row, events[row.id])
        yield from _of_events(row, events[row.id])
    for one in list(world.provider.taken):
        report_on(world, one.reference, State.DELIVERED, one.name)
    events = _by_delivery(world.events())
    for row in world.deliveries():
        if world.provider.of(row.id) and row.state not in REPORTED:
            yield f"sent, but says {row.state}"
        yield from _of_events(row, events[row.id])


def _by_delivery(events: list[DeliveryEvent]) -> dict[object, list[DeliveryEvent]]:
    found: dict[object, list[DeliveryEvent]] = defaultdict(list)
    for event in events:
        found[event.delivery_id].append(event)
    return found


def _of_copies(world: World, row: Delivery) -> Iterator[str]:
    """At most one; of news one more where nobody could say; and one that was taken when nobody could expect it."""
    copies = world.provider.of(row.id)
    may_repeat = NATURES[row.kind].when_unknown is WhenUnknown.AGAIN and _nobody_could_say(world, row)
    if len(copies) > 1 + may_repeat + sum(one.is_too_late for one in copies):
        yield "duplicate"


def _of_one(world: World, row: Delivery, events: list[DeliveryEvent]) -> Iterator[str]:
    """It went, or there is a reason why not; and it was not begun when it must not be."""
    copies = world.provider.of(row.id)
    if row.state in (State.SENDING, State.UNKNOWN, State.SCHEDULED):
        yield f"left open: {row.state}"
    elif not copies and row.state in REPORTED:
        yield "silent: nobody took it over"
    elif not copies and not _is_excused(world, row, events):
        yield f"lost: {row.state}, {row.reason}"
    elif not copies and not row.reason:
        yield f"{row.state} without a reason"
    yield from _of_calls(world, row, [event for event in events if event.now == State.SENDING])


def _of_calls(world: World, row: Delivery, marks: list[DeliveryEvent]) -> Iterator[str]:
    """Nothing was marked, and no call begun, once somebody had said no."""
    for mark in marks:
        if mark.at >= row.expires_at:
            yield "begun after its deadline"
        yield from (f"begun after {no.what}" for no in world.noes if _forbids(no, row, mark, world.noes))
    for no in world.noes:
        if _speaks_against(no, row, world.noes) and str(row.id) in world.provider.asked[no.asked :]:
            yield f"called after {no.what}"


def _is_excused(world: World, row: Delivery, events: list[DeliveryEvent]) -> bool:
    said = {no.what for no in world.noes}
    match row.state:
        case State.SUPPRESSED:
            return "optout" in said or Outcome.OPTED_OUT in world.provider.met
        case State.CANCELLED:
            return bool(said & {"cancel", "move", "rule off"})
        case State.EXPIRED:
            return events[-1].at >= row.expires_at
        case State.DEAD:
            return bool({Outcome.REFUSED} & world.provider.met) or "w: a broken fact" in world.done or row.kills >= 3
        case State.ASSUMED:
            return _nobody_could_say(world, row)
    return False


def _nobody_could_say(world: World, row: Delivery) -> bool:
    return row.channel is Channel.EMAIL or bool(UNPROVEN & set(world.done))


def _forbids(no: No, row: Delivery, mark: DeliveryEvent, noes: list[No]) -> bool:
    if mark.seq <= no.after:
        return False
    match no.what:
        case "optout":
            back = (other.after for other in noes if other.what == "optin" and other.member == no.member)
            return row.member_id == no.member and not any(no.after <= at < mark.seq for at in back)
        case "cancel":
            return row.group_session_id == no.session and row.kind is not Kind.CANCELLED
        case "move":
            return row.group_session_id == no.session and row.start_revision <= no.revision
        case "rule off":
            back = (other.after for other in noes if other.what == "rule on")
            return row.rule_id is not None and not any(no.after <= at < mark.seq for at in back)
    return False


def _speaks_against(no: No, row: Delivery, noes: list[No]) -> bool:
    """Whether no call of this may begin once it is said."""
    match no.what:
        case "optout":
            return row.member_id == no.member and all(other.what != "optin" for other in noes)
        case "cancel":
            return row.group_session_id == no.session and row.kind is not Kind.CANCELLED
        case "move":
            return row.group_session_id == no.session and row.start_revision <= no.revision
    return False


def _of_events(row: Delivery, events: list[DeliveryEvent]) -> Iterator[str]:
    """One event for each move, each allowed, the last of them the state; and no report takes back a later one."""
    moves = [(State(one.was), State(one.now)) for one in events if one.by != "stranger"]
    states = [State.SCHEDULED, *(to for _, to in moves)]
    if any(was is not before for (was, _), before in zip(moves, states, strict=False)) or states[-1] is not row.state:
        yield "the events do not match the moves"
    if any(to not in MOVES[was] for was, to in pairwise(states)):
        yield "a move that the table does not have"
    for was, to in pairwise(states):
        bounced = row.channel is Channel.EMAIL and (was, to) == (State.DELIVERED, State.UNDELIVERED)
        if was in RANKS and not bounced and RANKS.get(to, 0) < RANKS[was]:
            yield f"went back: {was} to {to}"
