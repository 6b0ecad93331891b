"""Whose messages are stopped, because staff say so: everything, of a member and of whoever is reached for them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from service.flows.audit import audit
from service.flows.companions import companions_of
from service.flows.plan import plan_member
from service.flows.scope import across_groups
from service.flows.suppress import lock, void
from service.models import Member
from service.rules.consent import Channel, Refusal


@across_groups
def stop_everything(db: Session, member: Member, reason: str, staff_id: UUID | None, now: datetime) -> int:
    """Nothing goes to this member any more, nor to their companions, whatever was agreed to. Returns how many messages
    were taken back."""
    lock(db, [member])
    companions = companions_of(db, [member])
    lock(db, companions)
    member.stopped_at, member.stop_reason = now, reason
    db.flush()
    both = [(one, channel) for one in (member, *companions) for channel in Channel]
    taken_back = sum(void(db, one, channel, Refusal.HALTED, now, by="staff") for one, channel in both)
    audit(db, staff_id, "everything stopped", member, now, count=taken_back)
    return taken_back


def start_again(db: Session, member: Member, reason: str, staff_id: UUID, now: datetime) -> None:
    """What was agreed to before holds again: this lifts no opt-out, and gives no consent."""
    member.stopped_at, member.stop_reason = None, reason
    db.flush()
    audit(db, staff_id, "started again", member, now)
    plan_member(db, member, now)
