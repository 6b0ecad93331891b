"""How a group's texts are watched, and what that asks for: whoever invites words must have somebody to call."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from service.flows.audit import audit
from service.flows.on_call import reached
from service.flows.plan import plan
from service.models import Group
from service.models.groups import Safety
from service.rules.escalation import NEEDED_TO_STAFF


def may_not_be(db: Session, safety: Safety, now: datetime) -> str | None:
    """Why a group's texts cannot be watched like this, in a sentence; None: they can."""
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


def watch(db: Session, group: Group, safety: Safety, staff_id: UUID, now: datetime) -> None:
    """From now on the group's texts are watched like this: what is planned follows at once."""
    group.safety = safety
    db.flush()
    audit(db, staff_id, "safety changed", group, now, safety=safety.value)
    plan(db, now, [group])
