"""Between the mark and the call: whom somebody has opted out since is not called.

Members are locked here as an opt-out locks them, until the calls have begun. So an opt-out either comes first and is
seen, or waits until there is nothing left to begin.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from service.flows.post import Sending
from service.flows.standing import standings
from service.models import Delivery, Member
from service.rules.consent import Refusal
from service.rules.lifecycle import State

MEMBERS = (
    select(Member).where(Member.id.in_(bindparam("ids", expanding=True))).order_by(Member.id).with_for_update(read=True)
)


def last_look(db: Session, marked: Sequence[Sending], now: datetime) -> list[Sending]:
    """Those of the marked that may still be called. The others are moved to the reason why not: three queries."""
    members = {row.id: row for row in db.scalars(MEMBERS, {"ids": list({one.member_id for one in marked})})}
    purposes = {one.purpose for one in marked if one.purpose is not None}
    standing = standings(db, list(members.values()), purposes)
    going = []
    for one in marked:
        index = members[one.member_id].address_index(one.channel)
        is_halted = members[one.member_id].stopped_at is not None
        refusal = Refusal.HALTED if is_halted else standing[one.member_id].refusal(one.channel, one.purpose, index)
        if refusal is None:
            going.append(one)
        else:
            _take_back(db, one, refusal, now)
    return going


def _take_back(db: Session, sending: Sending, refusal: Refusal, now: datetime) -> None:
    delivery = db.get_one(Delivery, sending.delivery_id, with_for_update=True)
    if delivery.fence == sending.fence and delivery.state is State.SENDING:
        delivery.move(db, State.SUPPRESSED, now, refusal, by="worker")
        delivery.settled_at = now
