"""Messages to people who had said STOP, and messages in the night."""

from collections import defaultdict
from datetime import datetime, time
from zoneinfo import ZoneInfo

from sandbox.audit.case import Case, Finding, finding
from sandbox.clock import utc
from sandbox.ledger import Row
from sandbox.twilio.keywords import Keyword, understood

Spans = dict[str, list[tuple[float, float]]]
"""For each person, from when to when they did not want to be messaged."""


def after_optout(case: Case) -> list[Finding]:
    """Accepted after the application had been told of a STOP."""
    heard = {row["provider_id"]: row["t_virtual"] for row in reversed(case.deliveries) if _was_heard(row)}
    return _during(case, _spans(case, heard))


def after_optout_sent(case: Case) -> list[Finding]:
    """Accepted after a person had sent a STOP, whether the application could know it or not."""
    return _during(case, _spans(case, {row["provider_id"]: row["t_virtual"] for row in case.said}))


def _was_heard(row: Row) -> bool:
    return row["kind"] in ("inbound", "parse") and row["status"] is not None and 200 <= row["status"] < 300


def _spans(case: Case, moments: dict[str, float]) -> Spans:
    spans: Spans = defaultdict(list)
    for row in case.said:
        moment = moments.get(row["provider_id"])
        if row["who"] != "person" or moment is None:
            continue
        match understood((row["body"] or "").strip(), trim=True):
            case Keyword.STOP:
                spans[row["sender"]].append((moment, float("inf")))
            case Keyword.START:
                spans[row["sender"]] = [(start, min(end, moment)) for start, end in spans[row["sender"]]]
    return spans


def _during(case: Case, spans: Spans) -> list[Finding]:
    return [
        finding(row, stopped_at=start)
        for row in case.sends
        for start, end in spans.get(row["to_norm"], [])[:1]
        if start < row["t_virtual"] < end
    ]


def quiet_hours(case: Case) -> list[Finding]:
    """Accepted in the night, on the clock that the expectation names."""
    rule = case.expectation.get("quiet_hours")
    if not rule:
        return []
    start, end = time.fromisoformat(rule["start"]), time.fromisoformat(rule["end"])
    zone = ZoneInfo(rule.get("zone", "UTC"))
    return [
        finding(row, at=local.isoformat())
        for row in case.sends
        if _is_night(local := utc(row["t_virtual"]).astimezone(zone), start, end)
    ]


def _is_night(local: datetime, start: time, end: time) -> bool:
    clock = local.time()
    return start <= clock < end if start <= end else clock >= start or clock < end


LISTS = {"after_optout": after_optout, "after_optout_sent": after_optout_sent, "quiet_hours": quiet_hours}
