"""On the day on which a member comes of age what a guardian agreed to is over: they are asked themselves."""

from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from service.flows.audit import audit
from service.flows.companions import companions_of
from service.flows.enrol import invite_again
from service.flows.hold import stop_everything
from service.flows.ledger import Evidence
from service.flows.opting import withdraw_all
from service.flows.plan import plan_member
from service.flows.standing import standing
from service.models import Member, Practice
from service.rules.consent import Channel, Companion, MinorRoute

OF_AGE = "came of age"
ASK_FIRST = "The member has come of age. Ask them before this goes on."


def ask_who_came_of_age(db: Session, now: datetime) -> int:
    """Returns how many came of age. Whoever could agree themselves before has done so already. A guardian is told
    nothing more, nor is anybody whom the member did not choose themselves."""
    grown = db.scalars(_grown(db, now).with_for_update(skip_locked=True)).all()
    for member in grown:
        was_theirs = member.minor_route is MinorRoute.MINOR
        member.adult_on = member.minor_route = member.minor_note = None
        db.flush()
        is_asked = not was_theirs and _ask(db, member, now)
        for one in companions_of(db, [member]):
            if one.stopped_at is None and (one.reached_as is Companion.GUARDIAN or not was_theirs):
                stop_everything(db, one, ASK_FIRST, None, now)
        audit(db, None, OF_AGE, member, now, asked=is_asked)
        plan_member(db, member, now)
    return len(grown)


def has_anyone_come_of_age(db: Session, now: datetime) -> bool:
    """Who was not asked yet. Only reads."""
    return db.scalars(_grown(db, now).limit(1)).first() is not None


def _grown(db: Session, now: datetime) -> Select[Member]:
    today = now.astimezone(db.scalars(select(Practice)).one().zone).date()
    return select(Member).where(Member.adult_on <= today)


def _ask(db: Session, member: Member, now: datetime) -> bool:
    """For the same purposes, by text where that is how they are reached. Returns whether a text goes."""
    agreed = standing(db, member)
    purposes = agreed.agreed(Channel.SMS, member.mobile_index)
    for channel in Channel:
        evidence = Evidence(now, OF_AGE, "nobody: by law", "", member.language)
        withdraw_all(db, member, channel, evidence, now)
    return bool(purposes) and invite_again(db, member, purposes, now)
