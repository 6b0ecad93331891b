"""A call whose answer is lost, and the looks at the provider that follow."""

from service.channels import NotAccepted
from service.flows.reconcile import reconcile, sweep
from service.models import Delivery
from service.models.groups import SessionState
from service.rules.consent import Channel, Choice
from service.rules.kinds import Kind
from tests import builders


def made(parts, kind=Kind.REMINDER, channel=Channel.SMS, **values):
    with parts.open_db() as db:
        state = SessionState.CANCELLED if kind is Kind.CANCELLED else SessionState.PLANNED
        meeting = builders.session(db, builders.group(db), state=state)
        who = builders.member(db, choice=Choice.BOTH, email="anna@example.org")
        return builders.delivery(db, who, meeting, kind, channel=channel, **values).id


def read(parts, one):
    with parts.read_db() as db:
        return db.get_one(Delivery, one)


def look_until(post, clock, seconds, step=15):
    """Sweep and ask as the clock does, for so long."""
    for _ in range(0, seconds, step):
        clock.go(seconds=step)
        with post.open_db() as db:
            sweep(db, clock)
        reconcile(post)


def list_is_down(console):
    def fail(*_):
        raise NotAccepted("Twilio 20429")

    console.look_up = fail
