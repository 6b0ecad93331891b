"""The judge: what was owed, what was accepted, and what lies between. Reads the evidence, knows nothing of the service.

Each finding names a delivery, so that a run that fails can show what became of it.
"""

import re
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from tests.chaos.evidence import Evidence, Row
from tests.chaos.profiles import EVENTS_AWAITED

Key = tuple[str, int, str, str]
"""Session, revision of its start, member, kind."""
WENT = frozenset({"accepted", "sent", "delivered", "undelivered"})
SAYS_NOT = frozenset({"scheduled", "suppressed", "cancelled", "expired", "dead"})
STOPPED = {"optout": frozenset({"suppressed"}), "change": frozenset({"cancelled"}), "late": frozenset({"expired"})}
RANKS = {"accepted": 1, "sent": 2, "undelivered": 3, "delivered": 4}
NOTICES = {"cancel": "cancelled", "move": "moved"}
MOMENT = 15.0
CROSSING = 3.5
"""Seconds for which a call that had begun may still end: the deadline, the lateness of a late answer, a moment."""


@dataclass(frozen=True)
class Owed:
    """A message that the driver's commits call for."""

    key: Key
    due: float
    deadline: float
    to: str


@dataclass(frozen=True)
class Finding:
    what: str
    delivery: str
    by: float = 0.0
    """Seconds, where it is about time."""


@dataclass(frozen=True)
class Case:
    """The evidence, with what can be read off it at once."""

    evidence: Evidence
    until: float
    """When the run was over: what is due later is owed to nobody yet."""
    read_at: float = field(default_factory=time.time)

    @cached_property
    def deliveries(self) -> dict[Key, Row]:
        rows = self.evidence.deliveries
        return {(row["session"], row["revision"], row["member_id"], row["kind"]): row for row in rows}

    @cached_property
    def accepts(self) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = defaultdict(list)
        for row in self.evidence.accepted:
            found[row["app_message_id"]].append(row)
        return found

    @cached_property
    def optouts(self) -> dict[str, float]:
        """By member: when the driver knew that the opt-out was committed."""
        return {note["member"]: note["at"] for note in self.evidence.of("optout")}

    @cached_property
    def changes(self) -> dict[str, Row]:
        """By session: its cancellation or its move. None has two."""
        return {note["session"]: note for what in NOTICES for note in self.evidence.of(what)}

    @cached_property
    def starts(self) -> dict[str, float]:
        """By session: when it starts, after all that changed."""
        starts = {note["session"]: note["starts_at"] for note in self.evidence.of("gathering")}
        return starts | {note["session"]: note["starts_at"] for note in self.evidence.of("move")}

    @cached_property
    def owed(self) -> list[Owed]:
        return [one for note in self.evidence.of("gathering") for one in self._owed_of(note) if one.due <= self.until]

    def _owed_of(self, gathering: Row) -> Iterator[Owed]:
        session, kind = gathering["session"], gathering["kind"]
        change = self.changes.get(session)
        for member, to, _ in gathering["members"]:
            yield Owed((session, 0, member, kind), gathering["due"], gathering["deadline"], to)
            if change is None or not change.get("is_told", True):
                continue
            revision = 1 if change["what"] == "move" else 0
            notice = NOTICES[change["what"]]
            deadline = min(gathering["deadline"], change.get("deadline", gathering["deadline"]))
            yield Owed((session, revision, member, notice), change["at"], deadline, to)
            if revision:
                due = max(change["due"], change["at"])
                if due < change["deadline"]:  # else a slow machine committed it when its reminder was useless already
                    yield Owed((session, revision, member, kind), due, change["deadline"], to)

    def marks(self, delivery: str) -> list[float]:
        """When each call for a delivery was begun."""
        return [event["at"] for event in self.evidence.events.get(delivery, []) if event["now"] == "sending"]


def judge(case: Case) -> Iterator[Finding]:
    yield from _of_what_was_owed(case)
    yield from _of_what_was_accepted(case)
    yield from _of_what_was_begun(case)
    yield from _of_what_was_reported(case)
    yield from _of_what_is_open(case)


def _of_what_was_owed(case: Case) -> Iterator[Finding]:
    """Lost: not accepted, and nothing speaks against it. Silent: not accepted, and the database says otherwise, or
    holds no word of it."""
    for one in case.owed:
        row = case.deliveries.get(one.key)
        if row is None:
            if one.key[2] not in case.optouts:  # of one who opted out before, no notice need have been planned
                yield Finding("silent", "|".join(map(str, one.key)))
        elif row["id"] not in case.accepts:
            yield from _of_one_not_accepted(case, one, row)


def _of_one_not_accepted(case: Case, one: Owed, row: Row) -> Iterator[Finding]:
    state = row["state"]
    if state in WENT:
        yield Finding("silent", row["id"])
    elif state == "assumed":
        yield Finding("assumed", row["id"])
    elif state == "expired" and _expired_in_time(case, one, row):
        yield Finding("expired", row["id"])
    elif not _is_excused(case, one, state) and not _is_awaited(case, row):
        yield Finding("lost", row["id"])


def _expired_in_time(case: Case, one: Owed, row: Row) -> bool:
    put_away = [event["at"] for event in case.evidence.events.get(row["id"], []) if event["now"] == "expired"]
    return bool(put_away) and put_away[-1] >= one.deadline - 0.001


def _is_excused(case: Case, one: Owed, state: str) -> bool:
    session, revision, member, kind = one.key
    change = case.changes.get(session)
    has_changed = change is not None and revision == 0 and kind not in NOTICES.values()
    return (state in STOPPED["optout"] and member in case.optouts) or (state in STOPPED["change"] and has_changed)


def _of_what_was_accepted(case: Case) -> Iterator[Finding]:
    known = {row["id"]: row for row in case.evidence.deliveries}
    owed = {case.deliveries[one.key]["id"] for one in case.owed if one.key in case.deliveries}
    recipients = {case.deliveries[one.key]["id"]: one.to for one in case.owed if one.key in case.deliveries}
    for delivery, rows in case.accepts.items():
        if len(rows) > 1:
            late = any(row["fault"] == "accept_late" for row in rows)
            yield Finding("duplicated_by_late_accept" if late else "duplicated", delivery)
        if delivery not in owed:
            yield Finding("unexpected", delivery)
        elif any(row["to_norm"] != recipients[delivery] for row in rows):
            yield Finding("to_somebody_else", delivery)
        if delivery in known and known[delivery]["state"] in SAYS_NOT:
            yield Finding("sent_but_says_not", delivery)
    yield from _of_the_same_words(case)


def _of_the_same_words(case: Case) -> Iterator[Finding]:
    seen: dict[tuple[str, str], str] = {}
    for row in case.evidence.accepted:
        words = (row["to_norm"], row["channel_body_sha256"])
        if seen.setdefault(words, row["app_message_id"]) != row["app_message_id"]:
            yield Finding("same_words_twice", row["app_message_id"])


def _of_what_was_begun(case: Case) -> Iterator[Finding]:
    """Calls that began, and messages that were accepted, after a commit had forbidden them."""
    for row in case.evidence.deliveries:
        for what, forbidden_from in _forbidden(case, row):
            for mark in case.marks(row["id"]):
                if mark > forbidden_from:
                    yield Finding(f"begun_after_{what}", row["id"], mark - forbidden_from)
            for accept in case.accepts.get(row["id"], []):
                by = accept["t_real"] - forbidden_from
                if by > 0:
                    yield Finding(f"accepted_after_{what}", row["id"], by)
                if by > CROSSING and accept["fault"] != "accept_late":
                    yield Finding("crossed_too_late", row["id"], by)


def _forbidden(case: Case, row: Row) -> Iterator[tuple[str, float]]:
    """From when a delivery must not be begun any more, and why."""
    if row["member_id"] in case.optouts and row["channel"] == "sms":
        yield "optout", case.optouts[row["member_id"]]
    change = case.changes.get(row["session"])
    if change and row["revision"] == 0 and row["kind"] not in NOTICES.values():
        yield change["what"], change["at"]
    yield "deadline", row["expires_at"]
    if row["session"] in case.starts and row["kind"] == "same_day":
        yield "start", case.starts[row["session"]]


def _of_what_was_reported(case: Case) -> Iterator[Finding]:
    """Reports come twice and out of order, and none takes back what a later one said. But a mail that was delivered
    may bounce."""
    for row in case.evidence.deliveries:
        for event in case.evidence.events.get(row["id"], []):
            fell = RANKS.get(event["now"], 9) < RANKS.get(event["was"], 0)
            if fell and (row["channel"], event["was"]) != ("email", "delivered"):
                yield Finding("rank_fell", row["id"])


def _of_what_is_open(case: Case) -> Iterator[Finding]:
    for row in case.evidence.deliveries:
        if row["state"] in ("sending", "unknown"):
            yield Finding("mails_awaited" if _is_awaited(case, row) else "unknown_left", row["id"])


def _is_awaited(case: Case, row: Row) -> bool:
    """A mail that may have gone, while SendGrid may still tell: nobody can be asked about it."""
    marks = case.marks(row["id"])
    is_young = bool(marks) and case.read_at < marks[-1] + EVENTS_AWAITED + MOMENT
    return row["channel"] == "email" and row["state"] == "unknown" and is_young


def delays(case: Case) -> tuple[list[float], list[float]]:
    """Seconds from due to first accepted: of what was due while all was well, and of everything. Sorted."""
    windows = [(note["from"], 2 * note["until"] - note["from"]) for note in case.evidence.of("window")]
    calm, everything = [], []
    for one in case.owed:
        row = case.deliveries.get(one.key)
        accepted = case.accepts.get(row["id"], []) if row else []
        if not accepted:
            continue
        delay = accepted[0]["t_real"] - one.due
        everything.append(delay)
        if not any(began <= one.due <= ended for began, ended in windows):
            calm.append(delay)
    return sorted(calm), sorted(everything)


def percentile(values: list[float], share: float) -> float:
    """Of sorted values; 0 where there are none."""
    return round(values[min(len(values) - 1, int(len(values) * share))], 2) if values else 0.0


def personal_lines(logs: dict[str, list[str]], canary: re.Pattern[str]) -> list[str]:
    """Lines of the service's own logs in which a person can be found."""
    ours = {name: lines for name, lines in logs.items() if name.partition("-")[0] in ("web", "worker", "clock")}
    return [f"{name}: {line}" for name, lines in ours.items() for line in lines if canary.search(line)]
