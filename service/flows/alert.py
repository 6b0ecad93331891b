"""What the scan found makes a flag, in the transaction of the text itself; a person takes it up, and closes it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.flows.audit import audit
from service.flows.plan import plan_member
from service.flows.scope import across_groups
from service.models import Flag, Member, Page, Reply
from service.models.alerts import Outcome
from service.rules.distress import Finding, Level
from service.rules.escalation import TAKEN_FOR

REVIEW = "review"


def raise_flag(db: Session, reply: Reply, finding: Finding, now: datetime, *, says_more: bool = True) -> Flag | None:
    """A flag for this text, or the one that it joins. None: the scan found nothing. What does not say more than the
    texts before it calls nobody whom those have called.

    Whoever wrote it: a stranger, or somebody who opted out. The call goes out once this transaction is committed.
    """
    if finding.level is Level.NONE:
        return None
    is_urgent = finding.level is Level.CRISIS
    flag = db.scalars(Flag.to_join(reply.address_index, is_urgent=is_urgent, says_more=says_more)).first()
    if flag is None:
        flag = Flag(
            member_id=reply.member_id,
            address_index=reply.address_index,
            is_urgent=is_urgent,
            category=finding.category.value if is_urgent and finding.category else REVIEW,
            pattern=finding.by[:80],
            opened_at=now,
            rounds=0,
            call_at=now if is_urgent else None,
        )
        db.add(flag)
        db.flush()
    reply.flag_id = flag.id
    db.flush()
    return flag


@across_groups
def acknowledge(db: Session, flag: Flag, staff_id: UUID, now: datetime) -> bool:
    """This person has it: nobody else is called for the next hour. Returns whether it was still free."""
    if flag.closed_at is not None or flag.acknowledged_at is not None:
        return False
    flag.acknowledged_at, flag.acknowledged_by = now, staff_id
    flag.call_at = now + TAKEN_FOR if flag.is_urgent else None
    audit(db, staff_id, "flag taken up", flag, now, rounds=flag.rounds)
    return True


@dataclass(frozen=True)
class Done:
    """What a person did about a flag."""

    outcome: Outcome
    record: str
    prompts_wait: timedelta
    """So long the member's prompts stay away."""


@across_groups
def close(db: Session, flag: Flag, staff_id: UUID, done: Done, now: datetime) -> bool:
    """What was done is on record, and the flag is closed for good. Returns whether it was open."""
    if flag.closed_at is not None:
        return False
    if flag.acknowledged_at is None:
        flag.acknowledged_at, flag.acknowledged_by = now, staff_id
    flag.closed_at, flag.closed_by, flag.call_at = now, staff_id, None
    flag.outcome, flag.record, flag.quiet_until = done.outcome, done.record, now + done.prompts_wait
    for reply in db.scalars(select(Reply).where(Reply.flag_id == flag.id, Reply.handled_at.is_(None))):
        reply.handled_at, reply.handled_by = now, staff_id
    audit(db, staff_id, "flag closed", flag, now, outcome=done.outcome.value)
    if flag.member_id is not None:
        plan_member(db, db.get_one(Member, flag.member_id), now)
    return True


def pass_on(db: Session, page: Page, now: datetime) -> None:
    """Whoever was called cannot: the next ones are called at once, not in ten minutes."""
    flag = db.get(Flag, page.flag_id, with_for_update=True) if page.flag_id else None
    if page.answered_at is None and flag is not None and flag.acknowledged_at is None and flag.closed_at is None:
        flag.call_at = now
    page.answered_at = page.answered_at or now


def answer_page(db: Session, page: Page, now: datetime) -> None:
    """The link of a page was pressed: whoever was called is there, and takes up what they were called for."""
    page.answered_at = page.answered_at or now
    if page.flag_id is not None:
        acknowledge(db, db.get_one(Flag, page.flag_id, with_for_update=True), page.staff_id, now)
