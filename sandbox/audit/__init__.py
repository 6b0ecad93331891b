"""The judge: compares the ledger with what a test expects, and names everything that is wrong."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sandbox.audit import consent, headers, privacy, sending, webhooks
from sandbox.audit.case import Case, Finding
from sandbox.ledger import Row

LISTS: dict[str, Callable[[Case], list[Finding]]] = {
    **sending.LISTS,
    **consent.LISTS,
    **privacy.LISTS,
    **headers.LISTS,
    **webhooks.LISTS,
}
RULES = frozenset({"messages", "forbidden_words", "quiet_hours", "segments_budget", "redacted_after_days", "skip"})
FILE = "expectation.json"


class ExpectationError(ValueError):
    """What a test says that it expects cannot be read."""


def verdict(rows: Callable[[str], list[Row]], expectation: dict[str, Any], now: float) -> dict[str, Any]:
    """Every list, and whether all of them are empty. `rows` reads a table of the ledger."""
    case = Case.read(rows, expectation, now)
    skipped = set(expectation.get("skip", []))
    lists = {name: find(case) for name, find in LISTS.items() if name not in skipped}
    return {"green": not any(lists.values()), "lists": lists, "accepted": len(case.accepted)}


def expectation_of(told: Any) -> dict[str, Any]:
    """Read an expectation. ExpectationError with what is wrong with it."""
    told = {"messages": told} if isinstance(told, list) else told
    if not isinstance(told, dict):
        raise ExpectationError("an expectation is a list of messages, or an object")
    if strangers := sorted(set(told) - RULES):
        raise ExpectationError(f"an expectation has no {', '.join(strangers)}")
    if strangers := sorted(set(told.get("skip", [])) - set(LISTS)):
        raise ExpectationError(f"the audit has no list {', '.join(strangers)}")
    return {"messages": [], **told}


def keep(folder: Path, expectation: dict[str, Any]) -> None:
    """Write the expectation beside the ledger, for `python -m sandbox.audit`."""
    (folder / FILE).write_text(json.dumps(expectation), encoding="utf-8")


def kept(folder: Path) -> dict[str, Any]:
    path = folder / FILE
    return expectation_of(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}
