"""How a group's texts are watched, and what that asks for: whoever invites words must have somebody to call."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.flows.audit import audit
from service.flows.on_call import reached
from service.flows.plan import plan
from service.models import Group, Rule
from service.models.groups import Safety
from service.rules.escalation import NEEDED_TO_STAFF
from service.rules.kinds import Kind


def may_not_be(db: Session, group: Group, safety: Safety, now: datetime, *, is_live: bool) -> str | None:
    """Why a group's texts cannot be watched like this, in a sentence; None: they can."""
    starts_asking = group.safety is Safety.ONE_WAY and safety is not Safety.ONE_WAY and _asks_for_words(group)
    if is_live and starts_asking and not reached(db, now):
        return "Its reflection question would go out again, and nobody on call has answered a test page of late."
    if safety is Safety.STAFFED and len(reached(db, now)) < NEEDED_TO_STAFF:
        return "Two contacts on call must have answered a test page in the last 30 days."
    return None


def may_not_ask(db: Session, group: Group, now: datetime) -> str | None:
    """Why the group may not be asked for words, in a sentence; None: it may."""
    if group.safety is Safety.ONE_WAY:
        return "This group's texts are one-way. Change that under Safety first."
    if not reached(db, now):
        return "A question for words needs somebody to call. Put a contact on call, with a test page answered, first."
    return None


def unwatched(db: Session, now: datetime) -> Sequence[Group]:
    """Groups that are to be asked for words while nobody on call has answered a test of late. Live, they are not."""
    if reached(db, now):
        return ()
    asks = Rule.group_id.in_(select(Group.id).where(Group.safety != Safety.ONE_WAY))
    ids = select(Rule.group_id).where(Rule.kind == Kind.REFLECTION, Rule.is_on, asks)
    return db.scalars(Group.open().where(Group.id.in_(ids)).order_by(Group.created_at)).all()


def ask_nothing_yet(db: Session, group: Group, now: datetime) -> bool:
    """A new group is asked for no words while nobody could be called. Returns whether a question was switched off."""
    questions = _asks_for_words(group)
    if not questions or reached(db, now):
        return False
    for rule in questions:
        rule.is_on = False
    db.flush()
    plan(db, now, [group])
    return True


def _asks_for_words(group: Group) -> list[Rule]:
    return [rule for rule in group.rules if rule.kind is Kind.REFLECTION and rule.is_on]


def watch(db: Session, group: Group, safety: Safety, staff_id: UUID, now: datetime) -> None:
    """From now on the group's texts are watched like this: what is planned follows at once."""
    group.safety = safety
    db.flush()
    audit(db, staff_id, "safety changed", group, now, safety=safety.value, read_at=group.reading_hours or "practice")
    plan(db, now, [group])
