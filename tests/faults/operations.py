"""What can happen to a delivery, by name; and the moments from which a search begins."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from service import failpoints
from service.flows import opting, schedule
from service.flows.plan import plan, plan_member
from service.flows.settle import Report
from service.flows.settle_all import settle_all
from service.models import Group, GroupSession, Member, Rule
from service.rules.consent import Channel, Choice
from service.rules.lifecycle import REPORTED, State
from tests import builders
from tests.builders import NOW, THURSDAY
from tests.faults.provider import Outcome
from tests.faults.world import A_MOMENT, PATIENCE, World

Operation = Callable[[World], None]


@dataclass(frozen=True)
class No:
    """From this event on nothing may be begun that it forbids, until somebody takes it back."""

    what: str
    after: int
    member: object = None
    session: object = None
    revision: int = 0
    asked: int = 0
    """How many calls had begun by then."""


def begin(world: World, choice: Choice = Choice.SMS, members: int = 1) -> None:
    """A group with one reminder planned for each member, which is due now."""
    with world.open_db() as db:
        builders.practice(db)
        place = builders.group(db)
        builders.session(db, place)
        builders.rule(db, place)
        for number in range(members):
            name = f"Member {chr(65 + number)}"
            mail = f"m{number}@example.org" if choice is not Choice.SMS else ""
            builders.enrolled(db, place, builders.member(db, name, choice=choice, email=mail))
        plan(db, NOW)
        due = max(row.next_at for row in builders.all_deliveries(db))
    world.go_to(due)


def lead(name: str, *steps: str) -> Operation:
    """One of the two workers takes these steps."""

    def take_them(world: World) -> None:
        for step in steps:
            getattr(world.workers[name], step)()

    return take_them


def call(name: str, outcome: Outcome) -> Operation:
    def make_it(world: World) -> None:
        world.provider.outcome = outcome
        world.workers[name].call()
        world.provider.outcome = Outcome.OK

    return make_it


def report(state: State) -> Callable[[World, int], None]:
    """The provider reports on the message that it took over last of this delivery: early, late, or once more."""

    def come_in(world: World, number: int) -> None:
        rows = world.deliveries()
        taken = world.provider.of(rows[number % len(rows)].id)
        if taken:
            report_on(world, taken[-1].reference, state, taken[-1].name)

    return come_in


def report_on(world: World, reference: str, state: State, name: str) -> None:
    row = next(row for row in world.deliveries() if str(row.id) == reference)
    code = "30003" if state is State.UNDELIVERED else None
    told = Report(row.id, state, provider_id=name if row.channel is Channel.SMS else "", code=code)
    settle_all(world.open_db, [told], world.clock())


def opts_out(world: World, number: int) -> None:
    with world.open_db() as db:
        who = _member(db, number)
        for channel in who.channels:
            index = who.address_index(channel)
            assert index is not None
            whence = opting.From(channel, index)
            opting.opt_out(db, [who], whence, "STOP", world.clock(), all_channels=True)
        db.flush()
        world.noes.append(No("optout", world.last_event(db), member=who.id, asked=len(world.provider.asked)))


def opts_in(world: World, number: int) -> None:
    with world.open_db() as db:
        who = _member(db, number)
        if who.mobile_index is not None:
            opting.opt_in(db, [who], who.mobile_index, "START", world.clock())
        opting.mails_again(db, who, world.clock())
        db.flush()
        world.noes.append(No("optin", world.last_event(db), member=who.id))


def cancels(world: World) -> None:
    with world.open_db() as db:
        meeting = db.scalars(select(GroupSession)).one()
        schedule.cancel_session(db, meeting, world.clock())
        db.flush()
        asked = len(world.provider.asked)
        world.noes.append(No("cancel", world.last_event(db), session=meeting.id, asked=asked))


def moves(world: World) -> None:
    """To another hour, a day later each time."""
    with world.open_db() as db:
        meeting = db.scalars(select(GroupSession)).one()
        revision = meeting.start_revision
        start = THURSDAY + timedelta(days=revision + 1)
        if meeting.is_cancelled or start <= world.clock():
            return
        schedule.move_session(db, meeting, start, world.clock())
        db.flush()
        asked = len(world.provider.asked)
        world.noes.append(No("move", world.last_event(db), session=meeting.id, revision=revision, asked=asked))


def pauses(world: World, number: int) -> None:
    with world.open_db() as db:
        _member(db, number).paused_until = world.clock() + timedelta(days=1)


def switches(world: World, is_on: bool) -> None:
    with world.open_db() as db:
        rule = db.scalars(select(Rule)).one()
        rule.is_on = is_on
        db.flush()
        plan(db, world.clock(), [db.scalars(select(Group)).one()])
        world.noes.append(No("rule on" if is_on else "rule off", world.last_event(db)))


def breaks(world: World, number: int) -> None:
    """A worker comes upon a fact that no message can be made of; later it is mended."""
    with world.open_db() as db:
        who = _member(db, number)
        zone, zones = who.time_zone, who.number_zones
        who.time_zone, who.number_zones = None, [{}]  # type: ignore[list-item]
    world.round()
    with world.open_db() as db:
        who = _member(db, number)
        who.time_zone, who.number_zones = zone, zones


def plans(world: World) -> None:
    with world.open_db() as db:
        plan(db, world.clock())


def replans(world: World, number: int) -> None:
    with world.open_db() as db:
        plan_member(db, _member(db, number), world.clock())


def looks(world: World, list_is_down: bool = False) -> None:
    """So long that whatever may have gone is looked up three times, or asked about in vain."""
    world.go(timedelta(seconds=PATIENCE.gives_up_asking if list_is_down else PATIENCE.looks_after[-1]) + A_MOMENT)
    for _ in PATIENCE.looks_after:
        world.upkeep(list_is_down)


def too_late(world: World) -> None:
    """To the moment at which the first of them is of no more use."""
    world.go_to(min(row.expires_at for row in world.deliveries()))


def _member(db: Session, number: int) -> Member:
    rows = db.scalars(select(Member).order_by(Member.created_at, Member.id)).all()
    return rows[number % len(rows)]


OF_ONE: Mapping[str, Callable[[World, int], None]] = {
    **{f"report: {state}": report(state) for state in sorted(REPORTED)},
    "opts out": opts_out,
    "opts in": opts_in,
    "paused": pauses,
    "w: a broken fact": breaks,
    "planned again for the member": replans,
}
"""Of one delivery, or one member, where there are several."""

OPERATIONS: Mapping[str, Operation] = {
    **{f"w: {outcome}": partial(World.round, outcome=outcome) for outcome in Outcome},
    **{f"killed at {place}": partial(World.crash, place=place) for place in failpoints.PLACES},
    "A leases": lead("A", "lease"),
    "A marks": lead("A", "mark"),
    **{
        f"A calls: {outcome}": call("A", outcome)
        for outcome in (Outcome.OK, Outcome.UNREACHABLE, Outcome.SILENT_TAKEN, Outcome.REFUSED)
    },
    "A records": lead("A", "record"),
    "A dies": lead("A", "die"),
    "B marks": lead("B", "mark"),
    "B calls and records": lead("B", "mark", "call", "record"),
    "the sweep": World.sweep,
    "looked up": World.upkeep,
    "looked up in vain": partial(World.upkeep, list_is_down=True),
    "looked up three times": looks,
    "15 seconds": lambda world: world.go(timedelta(seconds=15)),
    "past the lease": lambda world: world.go(timedelta(seconds=PATIENCE.lease + 1)),
    "past the deadline": too_late,
    "cancelled": cancels,
    "moved": moves,
    "rule off": partial(switches, is_on=False),
    "rule on": partial(switches, is_on=True),
    "planned again": plans,
    **{name: partial(of_one, number=0) for name, of_one in OF_ONE.items()},
}

MORE: Mapping[str, Operation] = {
    "nobody can say": partial(looks, list_is_down=True),
    "half a minute": lambda world: world.go(timedelta(seconds=30)),
}
"""Only on the way to where a search begins."""


@dataclass(frozen=True)
class Start:
    """A moment from which everything is tried."""

    steps: tuple[str, ...] = ()
    choice: Choice = Choice.SMS

    def lead(self, world: World) -> None:
        begin(world, self.choice)
        for step in self.steps:
            apply(world, step)


def apply(world: World, name: str) -> None:
    {**OPERATIONS, **MORE}[name](world)
    world.done.append(name)


LOST = ("w: time-out, taken after the last look", "looked up three times", "half a minute")
STARTS: Mapping[str, Start] = {
    "it is due": Start(),
    "it is to go again": Start(("w: 503", "15 seconds")),
    "a worker has marked it": Start(("A marks",)),
    "a worker was frozen, and another has marked it": Start(("A marks", "looked up three times", "B marks")),
    "believed lost, and taken after all": Start(LOST),
    "believed lost, and opted out": Start((*LOST, "opts out")),
    "believed lost, and cancelled": Start((*LOST, "cancelled")),
    "believed lost, and too late": Start((*LOST, "past the deadline", "the sweep")),
    "believed lost, and refused": Start((*LOST, "w: refused")),
    "its worker was lost twice": Start(
        ("killed at before_call", "looked up three times", "killed at before_call", "looked up three times")
    ),
    "nobody can say": Start(("w: time-out, taken", "nobody can say")),
    "taken over, and not recorded": Start(("A marks", "A calls: ok")),
    "the answer was lost": Start(("w: time-out, taken",)),
    "accepted": Start(("w: ok",)),
    "sent": Start(("w: ok", "report: sent")),
    "undelivered": Start(("w: ok", "report: undelivered")),
    "delivered": Start(("w: ok", "report: delivered")),
    "opted out": Start(("opts out",)),
    "the rule is off": Start(("rule off",)),
    "the notice of a cancellation is due": Start(("w: ok", "cancelled")),
    "a mail is due": Start(choice=Choice.EMAIL),
    "a mail may have gone": Start(("w: time-out, taken", "nobody can say"), choice=Choice.EMAIL),
    "a mail was delivered": Start(("w: ok", "report: delivered"), choice=Choice.EMAIL),
}
