"""What members agree to at present, read from the ledger and the list of suppressions."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from service.flows.scope import across_groups
from service.models import Consent, Flag, Member, Suppression
from service.rules.consent import Channel, Given, Purpose, Standing

# made once: to build a statement costs as much as to run it
LAST_WORDS = Consent.last_words()
IN_FORCE = Suppression.in_force().with_only_columns(Suppression.channel, Suppression.address_index)


def standings(
    db: Session, members: Collection[Member], purposes: Collection[Purpose] = tuple(Purpose)
) -> Mapping[UUID, Standing]:
    """The standing of each member as far as these purposes go, in two queries however many members there are."""
    rows: dict[UUID, list[Given]] = defaultdict(list)
    for consent in db.execute(LAST_WORDS, {"ids": [member.id for member in members], "purposes": purposes}):
        rows[consent.member_id].append(consent)
    suppressed = _suppressed(db, members)
    return {member.id: Standing.of(rows[member.id], suppressed, member.barred) for member in members}


def standing(db: Session, member: Member) -> Standing:
    return standings(db, [member])[member.id]


def wants_detail(member: Member, current: Standing) -> bool:
    """Whether the member's reminders by text may name the group and the place."""
    return not member.stays_discreet and current.wants_detail(member.mobile_index)


@across_groups
def held(db: Session, members: Collection[Member], now: datetime) -> frozenset[UUID]:
    """Whose prompts wait: what they wrote has a flag that is open, or that was closed a short while ago."""
    flags = db.scalars(Flag.holding(members, now)).all()
    ids, indexes = {flag.member_id for flag in flags}, {flag.address_index for flag in flags}
    return frozenset(one.id for one in members if one.id in ids or {one.mobile_index, one.email_index} & indexes)


def _suppressed(db: Session, members: Collection[Member]) -> list[tuple[Channel, bytes]]:
    indexes = {index for member in members for index in (member.mobile_index, member.email_index) if index}
    return [(channel, index) for channel, index in db.execute(IN_FORCE, {"indexes": indexes})]
