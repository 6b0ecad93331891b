"""A group's agreement: put in words, shown to its members by a link of their own, and agreed to, version by version."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.flows import write
from service.flows.links import new_link
from service.models import Acknowledgement, Agreement, Enrolment, Group, Member

PURPOSE = "agreement"
LINKS_LAST = timedelta(days=14)
LONGEST = 4000
START = """What is said here stays here. Each of us keeps it, in person and online.
Who leads the group is bound by law to keep it too, and must act where somebody's life is in danger.
Nobody records, takes pictures or screenshots.
We come on time, and say so when we cannot come.
Whether we are in touch between sessions is agreed in the group; nobody has to be.
Texts from the practice are about time and place, and short questions. They are no place for an emergency.
Each of us goes at their own pace, and may leave a question unanswered."""
"""What such agreements usually hold, to begin from (rules.md, R119)."""
ASKING = {
    "en": "Please read this page and confirm it: {link}",
    "es": "Lea esta pagina y confirme, por favor: {link}",
}


def newest(db: Session, group_id: UUID) -> Agreement | None:
    return db.scalars(Agreement.versions(group_id).limit(1)).first()


def put(db: Session, group: Group, words: str, staff_id: UUID | None, now: datetime) -> Agreement | None:
    """A new version, or None: these are the words already."""
    db.execute(select(Group.id).where(Group.id == group.id).with_for_update())
    last = newest(db, group.id)
    if last is not None and last.words == words:
        return None
    added = Agreement(group_id=group.id, version=last.version + 1 if last else 1, staff_id=staff_id, at=now)
    added.words = words
    db.add(added)
    db.flush()
    return added


def agree(db: Session, agreement: Agreement, member: Member, how: str, now: datetime) -> None:
    """Safe to repeat: the first time counts."""
    db.execute(select(Member.id).where(Member.id == member.id).with_for_update())
    given = Acknowledgement.member_id == member.id
    if db.scalars(select(Acknowledgement).where(given, Acknowledgement.agreement_id == agreement.id)).first() is None:
        db.add(Acknowledgement(agreement_id=agreement.id, member_id=member.id, at=now, how=how))
        db.flush()


def agreed(db: Session, group_id: UUID, members: Collection[Member]) -> Mapping[UUID, Acknowledgement]:
    """The newest version that each has agreed to."""
    rows = db.scalars(Acknowledgement.of(group_id, [member.id for member in members]))
    return {row.member_id: row for row in rows}


def of_member(db: Session, member: Member, now: datetime) -> list[tuple[Agreement, Acknowledgement | None]]:
    """What stands in the groups that they belong to today, with when they agreed to it."""
    enrolments = db.scalars(select(Enrolment).where(Enrolment.member_id == member.id)).all()
    groups = {row.group_id: row for row in enrolments if row.lasts(now)}
    found = [standing for group_id in groups if (standing := newest(db, group_id)) is not None]
    given = db.scalars(select(Acknowledgement).where(Acknowledgement.member_id == member.id)).all()
    by_agreement = {row.agreement_id: row for row in given}
    return [(row, by_agreement.get(row.id)) for row in found]


def ask(
    db: Session, group: Group, members: Sequence[Member], public_url: str, now: datetime
) -> tuple[int, list[tuple[Member, str]]]:
    """A message with a link goes to each who may be written to. How many go, and who is skipped, and why."""
    planned, skipped = 0, []
    for member in members:
        token = new_link(db, PURPOSE, now + LINKS_LAST, member_id=member.id)
        words = ASKING.get(member.language, ASKING["en"]).format(link=f"{public_url}/agreement/{token}")
        found = write.reach(db, [member], write.Draft(words, None, now), now)
        planned += write.send(db, found, now, group)
        skipped += found.skipped
    return planned, skipped
