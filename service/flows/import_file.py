"""Groups and members come in from a CSV file: every row checked first, then all of them written, or none."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches
from typing import Generic, TypeVar
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from service.flows import schedule
from service.flows.enrol import Person, add_member, is_same_name, known_as, take_place
from service.flows.ledger import Evidence, agree
from service.flows.scope import across_groups
from service.flows.suppress import is_suppressed
from service.models import Enrolment, Group, Member, Practice, Staff
from service.models.sealed import index_of
from service.rules import group_rows, member_rows
from service.rules.consent import Channel
from service.rules.group_rows import GroupRow, read_group
from service.rules.member_rows import MemberRow, read_member
from service.rules.tables import Row, RowError, read_table

T = TypeVar("T")
OnRow = Callable[[], object]


@dataclass
class Checked(Generic[T]):
    """The rows that can be written, what is wrong with the others, and what staff should know of the good ones."""

    good: list[tuple[int, T]] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)
    notices: list[RowError] = field(default_factory=list)


def check_groups(db: Session, data: bytes, now: datetime) -> Checked[GroupRow]:
    """Raises BadTable where the file is no table."""
    practice = db.scalars(select(Practice)).one()
    table = read_table(data, group_rows.COLUMNS, group_rows.NEEDED)
    checked: Checked[GroupRow] = Checked(errors=list(table.errors))
    known = set(db.scalars(select(Group.name_index)))
    staff = {row.email_index for row in db.scalars(select(Staff))}
    for row in table.rows:
        group, wrong = read_group(row.values, now.astimezone(practice.zone).date(), practice.time_zone)
        _collect(checked, row, wrong)
        if group is None:
            continue
        problem = _group_problem(group, known, staff)
        if problem:
            checked.errors.append(RowError(row.line, *problem))
            continue
        known.add(schedule.name_index(group.name))
        checked.good.append((row.line, group))
    checked.errors.sort(key=lambda error: error.line)
    return checked


def write_groups(db: Session, rows: Sequence[tuple[int, GroupRow]], now: datetime, on_row: OnRow) -> None:
    for _, row in rows:
        facilitator = _staff(db, row.facilitator_email)
        schedule.add_group_of(db, row, facilitator.id if facilitator else None, now)
        on_row()


@across_groups
def check_members(
    db: Session,
    data: bytes,
    now: datetime,
    *,
    shared_ok: bool,
    group: Group | None = None,
) -> Checked[MemberRow]:
    """With `group`, all rows are for it and need not name one. `shared_ok`: staff say that members who have the same
    number know of each other. Raises BadTable."""
    practice = db.scalars(select(Practice)).one()
    needed = ("name",) if group else member_rows.NEEDED
    table = read_table(data, member_rows.COLUMNS, needed)
    checked: Checked[MemberRow] = Checked(errors=list(table.errors))
    groups = {row.name_index: row for row in db.scalars(Group.open())}
    seen = _Seen(db, shared_ok)
    for row in table.rows:
        member, wrong = read_member(row.values, practice.country, now)
        _collect(checked, row, wrong)
        problem = _member_problem(member, row, groups, group, seen) if member else None
        if problem:
            checked.errors.append(RowError(row.line, *problem))
        elif member is not None:
            checked.good.append((row.line, member))
            checked.notices.extend(_notices(db, row.line, member))
    checked.errors.sort(key=lambda error: error.line)
    return checked


@across_groups
def write_members(
    db: Session,
    rows: Sequence[tuple[int, MemberRow]],
    now: datetime,
    on_row: OnRow,
    *,
    group: Group | None = None,
    shared_ok: bool = False,
) -> list[Group]:
    """Members join their groups today; a row's consent makes them active, without one they are to be invited.

    Returns the groups whose messages the caller has to plan: each in a transaction of its own where there are many,
    so that nobody waits long.
    """
    groups = {row.name_index: row for row in db.scalars(Group.open())}
    written: set[UUID] = set()
    for _, row in rows:
        member = known_as(db, row.mobile, row.email, row.name if shared_ok else "") or add_member(
            db, _person(db, row, shared_ok), now
        )
        target = group or groups[schedule.name_index(row.group)]
        take_place(db, target, member, now.astimezone(target.zone).date(), now)
        if row.consent is not None:
            given = row.consent
            evidence = Evidence(given.at, given.method, given.by, given.wording, row.language)
            for channel in member.channels:
                agree(db, member, channel, given.purposes, evidence, now)
        written.add(member.id)
        on_row()
    return [row for row in groups.values() if _has_any(db, row, written)]


def _has_any(db: Session, group: Group, members: Collection[UUID]) -> bool:
    return any(member_id in members for member_id in db.scalars(_members_of(group)))


def _members_of(group: Group) -> Select[UUID]:
    return select(Enrolment.member_id).where(Enrolment.group_id == group.id)


class _Seen:
    """The people and numbers of a file and of the database, so that one is not taken for another."""

    def __init__(self, db: Session, shared_ok: bool) -> None:
        self._db, self._shared_ok = db, shared_ok
        self._places: dict[tuple[str, str, str, bytes], int] = {}
        self._people: dict[tuple[str, str], tuple[str, int]] = {}
        self._numbers: dict[str, tuple[str, int]] = {}

    def problem(self, member: MemberRow, line: int, group_index: bytes) -> tuple[str, str] | None:
        name = " ".join(member.name.casefold().split()) if self._shared_ok else ""
        place = (member.mobile, member.email.lower(), name, group_index)
        if place in self._places:
            return "", f"Rows {self._places[place]} and {line} are the same person."
        self._places[place] = line
        return self._other_name(member, line) or self._shared(member, line)

    def _other_name(self, member: MemberRow, line: int) -> tuple[str, str] | None:
        """Two names for one number and address are a slip, or two people: neither is settled by taking the first."""
        if self._shared_ok:
            return None
        name, earlier = self._people.setdefault((member.mobile, member.email.lower()), (member.name, line))
        where = f"Line {earlier} has"
        known = known_as(self._db, member.mobile, member.email) if earlier == line else None
        if known is not None:
            name, where = known.name, "A member has"
        if is_same_name(name, member.name):
            return None
        return "name", f"{where} the same number and address under another name. Write it alike, or confirm two people."

    def _shared(self, member: MemberRow, line: int) -> tuple[str, str] | None:
        if not member.mobile or self._shared_ok:
            return None
        email, earlier = self._numbers.setdefault(member.mobile, (member.email.lower(), line))
        if email != member.email.lower():
            return "mobile", f"Line {earlier} has the same number. Confirm that they share a phone, or mend it."
        index = index_of(Channel.SMS, member.mobile)
        others = self._db.scalars(Member.with_mobile(index)).all()
        if others and known_as(self._db, member.mobile, member.email) is None:
            return "mobile", "Another member has this number already. Confirm that they share a phone, or mend it."
        return None


def _collect(checked: Checked[T], row: Row, wrong: dict[str, str]) -> None:
    checked.errors.extend(RowError(row.line, column, sentence) for column, sentence in wrong.items())


def _group_problem(group: GroupRow, known: set[bytes], staff: set[bytes]) -> tuple[str, str] | None:
    if schedule.name_index(group.name) in known:
        return "group", "There is a group of this name already. Choose another name."
    if group.facilitator_email and index_of(Channel.EMAIL, group.facilitator_email.lower()) not in staff:
        return "facilitator_email", "No member of staff has this address. Add them first, or leave it empty."
    return None


def _member_problem(
    member: MemberRow, row: Row, groups: dict[bytes, Group], group: Group | None, seen: _Seen
) -> tuple[str, str] | None:
    index = group.name_index if group else schedule.name_index(member.group)
    if index not in groups:
        return "group", _unknown_group(member.group, [known.name for known in groups.values()])
    return seen.problem(member, row.line, index)


def _unknown_group(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, 1, 0.6)
    hint = f" Did you mean '{near[0]}'?" if near else " Import the groups first."
    return f"There is no group called '{name}'.{hint}"


def _notices(db: Session, line: int, member: MemberRow) -> Iterator[RowError]:
    if member.mobile and is_suppressed(db, Channel.SMS, index_of(Channel.SMS, member.mobile)):
        yield RowError(
            line,
            "mobile",
            "This person has opted out of texts. They stay opted out; the import does not change that.",
        )


def _person(db: Session, row: MemberRow, shared_ok: bool) -> Person:
    shares = (
        bool(row.mobile)
        and shared_ok
        and bool(db.scalars(Member.with_mobile(index_of(Channel.SMS, row.mobile))).first())
    )
    return Person(
        name=row.name,
        mobile=row.mobile,
        email=row.email,
        choice=row.choice,
        language=row.language,
        time_zone=row.time_zone,
        shares_phone=shares,
    )


def _staff(db: Session, email: str) -> Staff | None:
    if not email:
        return None
    return db.scalars(Staff.with_email(index_of(Channel.EMAIL, email.lower()))).first()
