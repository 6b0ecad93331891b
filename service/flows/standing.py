"""What members agree to at present, read from the ledger and the list of suppressions."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy.orm import Session

from service.models import Consent, Member, Suppression
from service.rules.consent import Channel, Given, Purpose, Standing


def standings(
    db: Session, members: Collection[Member], purposes: Collection[Purpose] = tuple(Purpose)
) -> Mapping[UUID, Standing]:
    """The standing of each member as far as these purposes go, in two queries however many members there are."""
    rows: dict[UUID, list[Given]] = defaultdict(list)
    for consent in db.execute(Consent.last_words([member.id for member in members], purposes)):
        rows[consent.member_id].append(consent)
    suppressed = _suppressed(db, members)
    return {member.id: Standing.of(rows[member.id], suppressed) for member in members}


def standing(db: Session, member: Member) -> Standing:
    return standings(db, [member])[member.id]


def _suppressed(db: Session, members: Collection[Member]) -> list[tuple[Channel, bytes]]:
    indexes = {index for member in members for index in (member.mobile_index, member.email_index) if index}
    return [(row.channel, row.address_index) for row in db.scalars(Suppression.in_force(indexes))]
