"""Who leads a group, and so reads what its members write. Nobody takes that from somebody for themselves."""

from datetime import datetime

from sqlalchemy.orm import Session

from service.flows.audit import audit
from service.flows.calls import add_mail
from service.models import Group, Staff
from service.models.alerts import Why
from service.models.practice import Role


class NotTheirs(Exception):
    """They may not say so of this group. The text says who may."""


def lead(db: Session, group: Group, leader: Staff | None, by: Staff, now: datetime) -> None:
    """From now on `leader` leads the group; None: nobody does. Whoever led it is told. Raises NotTheirs.

    A group that nobody leads is the administrators' to read: any of them may take it, and none may bring it about.
    """
    was = db.get(Staff, group.facilitator_id) if group.facilitator_id else None
    chosen = leader.id if leader else None
    if chosen == group.facilitator_id:
        return
    if was is None or was.id != by.id:
        _check_whether_theirs(was, leader, by)
    group.facilitator_id = chosen
    audit(db, by.id, "facilitator changed", group, now, facilitator=str(chosen or ""))
    if was is not None and was.id != by.id:
        add_mail(db, was, Why.ACCESS, now)


def _check_whether_theirs(was: Staff | None, leader: Staff | None, by: Staff) -> None:
    if by.role is Role.FACILITATOR:
        raise NotTheirs("Only whoever leads this group, or the office, says who leads it from now on.")
    would_read = leader is None or leader.id == by.id
    if was is not None and by.role is Role.ADMIN and would_read:
        raise NotTheirs(
            f"{was.name} leads this group, so you cannot take it for yourself or leave it without anybody. "
            f"Ask {was.name}, the front desk or another administrator to say so. "
            "To read once, open the member and give a reason."
        )
