"""Lost, sent twice, not asked for, too early, too late, to somebody else, too long."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from itertools import pairwise

from sandbox.audit.case import Case, Finding, finding, instant
from sandbox.ledger import Row
from sandbox.segments import measure, smart

SAME_WITHIN = 86_400.0
MAX_CHARACTERS = 1600


def lost(case: Case) -> list[Finding]:
    """Expected, and never accepted."""
    sent = {(str(row["app_message_id"]), row["provider"]) for row in case.sends if row["app_message_id"]}
    return [one for one in case.expected if not sent & {(str(one.get("app_message_id")), by) for by in _carriers(one)}]


def _carriers(expected: Finding) -> tuple[str, ...]:
    """Who may carry it: the provider of the channel that was expected, or either if none was named."""
    return {"sms": ("twilio",), "email": ("sendgrid",)}.get(str(expected.get("channel")), ("twilio", "sendgrid"))


def duplicate(case: Case) -> list[Finding]:
    """Accepted more than once: by id; without one, the same words to the same person within a day."""
    by_id = _grouped(
        (row for row in case.sends if row["app_message_id"]), lambda row: (row["app_message_id"], row["provider"])
    )
    alike = _grouped(
        (row for row in case.sends if not row["app_message_id"]),
        lambda row: (row["to_norm"], row["channel_body_sha256"]),
    )
    again = [row for rows in by_id for row in rows[1:]]
    again += [
        later
        for rows in alike
        for first, later in pairwise(rows)
        if later["t_virtual"] - first["t_virtual"] < SAME_WITHIN
    ]
    return [finding(row) for row in again]


def unexpected(case: Case) -> list[Finding]:
    """Accepted, and not expected. Looked for only when a test said what it expects."""
    if not case.has_expectations:
        return []
    return [finding(row) for row in case.sends if str(row["app_message_id"]) not in case.expected_by_id]


def early(case: Case) -> list[Finding]:
    return _outside(case, "not_before", lambda at, bound: at < bound)


def late(case: Case) -> list[Finding]:
    return _outside(case, "not_after", lambda at, bound: at > bound)


def wrong_recipient(case: Case) -> list[Finding]:
    """Accepted under an expected id, for somebody else."""
    return [
        finding(row, expected=wanted["to"])
        for row, wanted in _matched(case)
        if wanted.get("to") and str(wanted["to"]).lower() != row["to_norm"]
    ]


def over_1600(case: Case) -> list[Finding]:
    return [finding(row, characters=len(row["body"])) for row in case.texts if len(row["body"]) > MAX_CHARACTERS]


def segments_over_budget(case: Case) -> list[Finding]:
    budget = case.expectation.get("segments_budget")
    if budget is None:
        return []
    return [finding(row, segments=row["segments"]) for row in case.texts if row["segments"] > budget]


def ucs2_by_accident(case: Case) -> list[Finding]:
    """One typographic character has made a text up to twice as long as it need be."""
    return [
        finding(row)
        for row in case.texts
        if measure(row["body"]).encoding == "UCS-2" and measure(smart(row["body"])).encoding == "GSM-7"
    ]


def _outside(case: Case, bound: str, is_outside: Callable[[float, float], bool]) -> list[Finding]:
    found = []
    for row, wanted in _matched(case):
        limit = instant(wanted.get(bound))
        if limit is not None and is_outside(row["t_virtual"], limit):
            found.append(finding(row, accepted_at=row["t_virtual"], bound=limit))
    return found


def _matched(case: Case) -> list[tuple[Row, Finding]]:
    known = case.expected_by_id
    return [(row, known[str(row["app_message_id"])]) for row in case.sends if str(row["app_message_id"]) in known]


def _grouped(rows: Iterable[Row], key: Callable[[Row], Hashable]) -> list[list[Row]]:
    groups: dict[Hashable, list[Row]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return list(groups.values())


LISTS = {
    "lost": lost,
    "duplicate": duplicate,
    "unexpected": unexpected,
    "early": early,
    "late": late,
    "wrong_recipient": wrong_recipient,
    "over_1600": over_1600,
    "segments_over_budget": segments_over_budget,
    "ucs2_by_accident": ucs2_by_accident,
}
