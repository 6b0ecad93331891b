"""While a flag is open prompts wait and reminders go; one switch stops everything."""

from datetime import timedelta

from sqlalchemy import select

from service.flows.alert import close
from service.flows.deliver import deliver
from service.flows.hold import start_again, stop_everything
from service.flows.plan import plan
from service.models import Delivery, Flag, Member
from service.rules.consent import Refusal
from service.rules.kinds import Kind
from service.rules.lifecycle import State
from tests import builders
from tests.builders import HOURS, NOW
from tests.flows.alert.conftest import DONE, MOBILE, a_member, staff, wrote


def prompt(parts):
    """A check-in that is due on Friday at 20:00, three hours after... and a reminder of Wednesday, to one member."""
    with parts.open_db() as db:
        place = builders.group(db)
        builders.session(db, place)
        builders.rule(db, place, Kind.CHECKIN, 18 * HOURS)
        builders.rule(db, place, Kind.REMINDER, 24 * HOURS)
        builders.enrolled(db, place, db.get_one(Member, a_member_in(db)))
        plan(db, NOW)


def a_member_in(db):
    return builders.member(db, mobile=MOBILE).id


def states(parts):
    with parts.read_db() as db:
        return {row.kind: (row.state, row.reason) for row in builders.all_deliveries(db)}


def send(post, at):
    post.clock.go_to(at)
    with post.open_db() as db:
        ids = db.scalars(select(Delivery.id).where(Delivery.next_at <= at)).all()
    deliver(post, ids)


def test_while_a_flag_is_open_prompts_wait_and_reminders_go(parts, post):
    prompt(parts)
    wrote(parts)
    send(post, builders.THURSDAY + timedelta(hours=20))
    sent = states(parts)

    assert sent[Kind.CHECKIN] == (State.CANCELLED, Refusal.FLAGGED)


def test_reminders_go_on_while_a_flag_is_open(parts, post):
    prompt(parts)
    wrote(parts)
    send(post, builders.THURSDAY - timedelta(hours=24))

    assert states(parts)[Kind.REMINDER][0] is State.ACCEPTED


def test_prompts_come_back_when_the_flag_is_closed_and_its_rest_is_over(parts):
    prompt(parts)
    wrote(parts)
    with parts.open_db() as db:
        plan(db, NOW)
    waiting = states(parts)[Kind.CHECKIN]
    with parts.open_db() as db:
        close(db, db.scalars(Flag.open()).one(), staff(db), DONE, NOW)
    rests = states(parts)[Kind.CHECKIN]
    with parts.open_db() as db:
        plan(db, NOW + timedelta(hours=73))

    assert waiting == rests == (State.CANCELLED, Refusal.FLAGGED)
    assert states(parts)[Kind.CHECKIN][0] is State.SCHEDULED


def test_one_switch_stops_everything_in_its_own_transaction(parts, post):
    prompt(parts)
    with parts.open_db() as db:
        who = db.scalars(select(Member)).one()
        taken_back = stop_everything(db, who, "She moved to another clinic.", staff(db), NOW)

        assert taken_back == 2
        assert {row.state for row in builders.all_deliveries(db)} == {State.SUPPRESSED}


def test_what_is_planned_after_the_switch_is_refused_at_the_last_moment(parts, post):
    prompt(parts)
    with parts.open_db() as db:
        who = db.scalars(select(Member)).one()
        stop_everything(db, who, "She moved.", staff(db), NOW)
        late = builders.delivery(db, who, kind=Kind.INVITATION)
        plan(db, NOW)
    deliver(post, [late.id])

    assert set(states(parts).values()) == {(State.SUPPRESSED, Refusal.HALTED)}


def test_back_on_gives_what_was_agreed_to_before(parts):
    prompt(parts)
    with parts.open_db() as db:
        who = db.scalars(select(Member)).one()
        stop_everything(db, who, "She moved.", staff(db), NOW)
        start_again(db, who, "She is back.", staff(db), NOW)

    assert {state for state, _ in states(parts).values()} == {State.SCHEDULED}


def test_whoever_is_stopped_hears_nothing_but_where_help_is(parts):
    a_member(parts)
    with parts.open_db() as db:
        stop_everything(db, db.scalars(select(Member)).one(), "She died.", staff(db), NOW)

    assert wrote(parts, "hello?") == ""
    assert "988" in wrote(parts)
