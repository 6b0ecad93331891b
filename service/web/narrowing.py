"""What a list of messages is narrowed down to, as its address says it: ids and words of ours, never a name."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session, joinedload

from service.models import Delivery, DeliveryEvent, Enrolment, Group, GroupSession, Member
from service.rules import rows
from service.rules.consent import Channel
from service.rules.kinds import Kind
from service.rules.lifecycle import GIVEN_UP, State
from service.rules.recurrence import starts_at

SHOWN: Mapping[str, tuple[State, ...]] = {
    "all": tuple(State),
    "waiting": (State.SCHEDULED,),
    "held": (State.SCHEDULED,),
    "sent": (State.SENDING, State.UNKNOWN, State.ACCEPTED, State.SENT),
    "delivered": (State.DELIVERED,),
    "failed": (State.UNDELIVERED, State.DEAD, State.ASSUMED),
    "not_sent": tuple(sorted(GIVEN_UP - {State.DEAD})),
}
SHOWN_WORDS = {
    "all": "All",
    "waiting": "Waiting",
    "held": "Held until",
    "sent": "Sent",
    "delivered": "Delivered",
    "failed": "Not delivered",
    "not_sent": "Not sent",
}
AHEAD = frozenset({"waiting", "held"})
"""What is still to go: the soonest first."""


@dataclass
class Narrowing:
    """The filters of a list of messages. One that cannot be read counts for nothing and has its sentence."""

    group: UUID | None = None
    member: UUID | None = None
    kind: Kind | None = None
    channel: Channel | None = None
    since: date | None = None
    until: date | None = None
    shown: str = "all"
    errors: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, given: Mapping[str, str]) -> "Narrowing":
        errors: dict[str, str] = {}
        kind, channel, shown = given.get("kind", ""), given.get("channel", ""), given.get("show", "all")
        return cls(
            group=id_of(given.get("group", "")),
            member=id_of(given.get("member", "")),
            kind=Kind(kind) if kind in set(Kind) else None,
            channel=Channel(channel) if channel in set(Channel) else None,
            since=rows.read(errors, "since", lambda: rows.optional_date(given.get("since", "")), None),
            until=rows.read(errors, "until", lambda: rows.optional_date(given.get("until", "")), None),
            shown=shown if shown in SHOWN else "all",
            errors=errors,
        )

    @property
    def is_narrow(self) -> bool:
        return any((self.group, self.member, self.kind, self.channel, self.since, self.until))

    def asked(self, **changes: str | int) -> dict[str, str]:
        """What an address says to be narrowed down like this."""
        mine = {
            "group": self.group,
            "member": self.member,
            "kind": self.kind,
            "channel": self.channel,
            "since": self.since,
            "until": self.until,
            "show": self.shown if self.shown != "all" else None,
        }
        return {name: str(value) for name, value in {**mine, **changes}.items() if value}

    def matching(self, zone: ZoneInfo, now: datetime) -> list[ColumnElement[bool]]:
        """The conditions. Days are those of `zone`."""
        at = Delivery.next_at if self.shown in AHEAD else Delivery.due_at
        is_shown = Delivery.due_at <= now if self.shown == "all" else Delivery.state.in_(SHOWN[self.shown])
        wanted: list[ColumnElement[bool]] = [is_shown]
        if self.shown in AHEAD:
            is_held = Delivery.next_at > Delivery.due_at
            wanted.append(is_held if self.shown == "held" else ~is_held)
        if self.group:
            wanted.append(of_group(self.group))
        for column, value in ((Delivery.member_id, self.member), (Delivery.kind, self.kind)):
            if value:
                wanted.append(column == value)
        if self.channel:
            wanted.append(Delivery.channel == self.channel)
        if self.since:
            wanted.append(at >= starts_at(self.since, time(), zone))
        if self.until:
            wanted.append(at < starts_at(self.until + timedelta(days=1), time(), zone))
        return wanted


def of_group(group_id: UUID) -> ColumnElement[bool]:
    """About one of the group's sessions, or written to it; what is about no group belongs where its member does."""
    about = select(GroupSession.id).where(GroupSession.group_id == group_id)
    enrolled = select(Enrolment.member_id).where(Enrolment.group_id == group_id)
    members = select(Member.id).where(Member.id.in_(enrolled) | Member.reached_for_id.in_(enrolled))
    elsewhere = Delivery.written_to.has(DeliveryEvent.reason != DeliveryEvent.names(group_id))
    return Delivery.group_session_id.in_(about) | (
        Delivery.group_session_id.is_(None) & Delivery.member_id.in_(members) & ~elsewhere
    )


def with_names(query: Select[Delivery]) -> Select[Delivery]:
    """What a row shows is read along with it, however many there are."""
    group = joinedload(Delivery.group_session).joinedload(GroupSession.group)
    written_to = joinedload(Delivery.written_to)
    return query.options(joinedload(Delivery.member), joinedload(Delivery.rule), group, written_to)


def group_names(db: Session, deliveries: Iterable[Delivery]) -> Mapping[UUID, str]:
    """By delivery, the group that it is about or was written to: one query, however many there are."""
    names = {row.id: row.name for row in db.scalars(select(Group))}
    groups = {row.id: row.group_id for row in deliveries}
    return {key: names[group_id] for key, group_id in groups.items() if group_id in names}


def one_page(db: Session, query: Select[Delivery], page: int, per_page: int) -> Sequence[Delivery]:
    """One page of a list, with names. Its ids first: to sort whole rows takes ten times as long."""
    ids = db.scalars(query.with_only_columns(Delivery.id).limit(per_page).offset((page - 1) * per_page)).all()
    found = {row.id: row for row in db.scalars(with_names(select(Delivery).where(Delivery.id.in_(ids))))}
    return [found[one] for one in ids if one in found]


def choices(db: Session, narrowing: Narrowing) -> dict[str, list[tuple[str, str]]]:
    """What the filters offer: the groups, and the members of the one that is chosen."""
    groups = [(str(row.id), row.name) for row in db.scalars(Group.open())]
    members: list[tuple[str, str]] = []
    if narrowing.group or narrowing.member:
        those = select(Enrolment.member_id).where(Enrolment.group_id == narrowing.group)
        belong = Member.id.in_(those) | Member.reached_for_id.in_(those)
        query = select(Member).where(belong | (Member.id == narrowing.member))
        members = [(str(row.id), row.name) for row in db.scalars(query)]
    return {
        name: sorted(rows, key=lambda row: row[1].casefold())
        for name, rows in (("groups", groups), ("members", members))
    }


def id_of(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
