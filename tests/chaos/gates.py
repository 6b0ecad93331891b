"""The figures of a run, which of them must be zero, and what is shown of each case in which one is not."""

import re
from collections import Counter
from collections.abc import Iterable

from tests.chaos.checker import Case, Finding, delays, judge, percentile, personal_lines
from tests.chaos.evidence import Row
from tests.chaos.watcher import Watcher

ZERO = (
    *("lost", "silent", "duplicated", "duplicated_by_late_accept", "same_words_twice", "unexpected"),
    *("to_somebody_else", "sent_but_says_not", "begun_after_optout", "begun_after_cancel", "begun_after_move"),
    *("begun_after_deadline", "begun_after_start", "crossed_too_late", "unknown_left", "rank_fell"),
    *("orphans", "callbacks_refused", "forgeries_heeded", "personal_in_logs", "personal_in_redis", "driver_gave_up"),
)
COUNTED = (
    *("accepted_after_optout", "accepted_after_cancel", "accepted_after_move", "accepted_after_deadline"),
    *("accepted_after_start", "assumed", "expired", "mails_awaited"),
)
LATEST_P99 = 30.0
MOST = {"most_ids_in_redis": 0, "most_words_in_redis": 4}
"""Redis carries the word that something is due, and no ids."""
CANARY = re.compile(r"Quillon|quillon|(?<![0-9a-fA-F-])(?:\+?1)?\d{3}555\d{4}(?![0-9a-fA-F-])")
SHOWN = 10
Figures = dict[str, object]


def figures(case: Case, watcher: Watcher) -> tuple[Figures, list[Finding]]:
    findings = list(judge(case))
    counts = Counter(finding.what for finding in findings)
    calm, everything = delays(case)
    logs = case.evidence.logs
    found: Figures = {
        "owed": len(case.owed),
        "accepted": sum(len(rows) for rows in case.accepts.values()),
        **{name: counts[name] for name in (*ZERO, *COUNTED)},
        **{f"{name}_by": _most(findings, name) for name in COUNTED[:5]},
        "p50": percentile(calm, 0.5),
        "p95": percentile(calm, 0.95),
        "p99": percentile(calm, 0.99),
        "max": percentile(calm, 1),
        "p99_all": percentile(everything, 0.99),
        "max_all": percentile(everything, 1),
        "kills": len(case.evidence.of("kill")),
        "freezes": len(case.evidence.of("freeze")),
        "optouts": len(case.evidence.of("optout")),
        "cancels": len(case.evidence.of("cancel")),
        "moves": len(case.evidence.of("move")),
        "marks": sum(len(case.marks(row["id"])) for row in case.evidence.deliveries),
        "orphans": _lines(logs, "which we do not know") + _lines(logs, "which was never sent"),
        "second_messages": _lines(logs, "a second message of it exists"),
        "callbacks": len(case.evidence.webhooks),
        "callbacks_refused": sum(_is_refused(row) for row in case.evidence.webhooks),
        "callbacks_failed": sum(_has_failed(row) for row in case.evidence.webhooks),
        "forgeries_heeded": sum(_is_heeded_forgery(row) for row in case.evidence.webhooks),
        "driver_gave_up": len(case.evidence.of("gave_up")),
        "most_ids_in_redis": watcher.most_ids,
        "most_words_in_redis": watcher.most_words,
        "most_keys_in_redis": watcher.most_keys,
        "most_memory_mb": {name: size >> 20 for name, size in sorted(watcher.most_memory.items())},
        "database_errors": _lines(logs, "OperationalError"),
        "cpu_seconds": watcher.cpu_seconds,
        "error_lines": _lines(logs, '"level": "error"') + _lines(logs, "Traceback"),
        "personal_in_logs": len(personal_lines(logs, CANARY)),
        "personal_in_redis": sum(bool(CANARY.search(held.decode("latin-1"))) for held in watcher.held),
    }
    return found, findings


def broken(found: Figures, *, with_times: bool = True) -> list[str]:
    """The gates that do not hold. How late messages are tells as much of the machine: not judged where it is shared."""
    wrong = [name for name in ZERO if found[name]]
    if with_times and float(str(found["p99"])) > LATEST_P99:
        wrong.append("p99")
    wrong += [name for name, most in MOST.items() if int(str(found[name])) > most]
    if found["database"] == "sqlite" and found["database_errors"]:
        wrong.append("database_errors")
    return wrong


def report(case: Case, findings: Iterable[Finding]) -> list[str]:
    """The events and the accept lines of what went wrong, a few of each kind."""
    lines: list[str] = []
    shown: Counter[str] = Counter()
    rows = {row["id"]: row for row in case.evidence.deliveries}
    for finding in findings:
        if finding.what not in ZERO or shown[finding.what] >= SHOWN:
            continue
        shown[finding.what] += 1
        lines.append(f"--- {finding.what} {finding.by:+.3f} s: {finding.delivery}")
        if finding.delivery in rows:
            lines += _story_of(case, rows[finding.delivery])
    lines += [f"--- personal: {line}" for line in personal_lines(case.evidence.logs, CANARY)[:SHOWN]]
    return lines


def _story_of(case: Case, row: Row) -> list[str]:
    about = [f"    {name}: {row[name]}" for name in ("kind", "channel", "session", "revision", "due_at", "expires_at")]
    about.append(f"    is {row['state']} ({row['reason']})")
    if row["member_id"] in case.optouts:
        about.append(f"    {case.optouts[row['member_id']]:.3f} opt-out committed")
    change = case.changes.get(row["session"])
    if change:
        about.append(f"    {change['from']:.3f} .. {change['at']:.3f} {change['what']} committed")
    told = [
        (event["at"], f"{event['was']} -> {event['now']} by {event['by']} ({event['reason']})")
        for event in case.evidence.events.get(row["id"], [])
    ]
    told += [
        (accept["t_real"], f"ACCEPTED {accept['provider_id']} {accept['fault'] or ''}")
        for accept in case.accepts.get(row["id"], [])
    ]
    return about + [f"    {at:.3f} {what}" for at, what in sorted(told)]


def _most(findings: Iterable[Finding], what: str) -> float:
    return round(max((finding.by for finding in findings if finding.what == what), default=0.0), 3)


def _lines(logs: dict[str, list[str]], words: str) -> int:
    ours = (lines for name, lines in logs.items() if name not in ("sandbox", "valkey"))
    return sum(words in line for lines in ours for line in lines)


def _is_refused(row: Row) -> bool:
    return row["signature_kind"] == "valid" and row["status"] is not None and 400 <= row["status"] < 500


def _has_failed(row: Row) -> bool:
    return row["signature_kind"] == "valid" and (row["status"] is None or row["status"] >= 500)


def _is_heeded_forgery(row: Row) -> bool:
    return row["signature_kind"] == "bad" and row["status"] is not None and row["status"] < 300
