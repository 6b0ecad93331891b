"""Whose messages wait, and whose are stopped: prompts while a flag is open, and everything where staff say so."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from service.flows.audit import audit
from service.flows.plan import plan_member
from service.flows.suppress import void
from service.models import Member
from service.rules.consent import Channel, Refusal


def stop_everything(db: Session, member: Member, reason: str, staff_id: UUID, now: datetime) -> int:
    """Nothing goes to this member any more, whatever was agreed to. Returns how many messages were taken back."""
    member.stopped_at, member.stop_reason = now, reason
    db.flush()
    taken_back = sum(void(db, member, channel, Refusal.HALTED, now, by="staff") for channel in Channel)
    audit(db, staff_id, "everything stopped", member, now, count=taken_back)
    return taken_back


def start_again(db: Session, member: Member, reason: str, staff_id: UUID, now: datetime) -> None:
    """What was agreed to before holds again: this lifts no opt-out, and gives no consent."""
    member.stopped_at, member.stop_reason = None, reason
    db.flush()
    audit(db, staff_id, "started again", member, now)
    plan_member(db, member, now)
