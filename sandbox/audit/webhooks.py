"""How the application answered the providers' calls."""

import json

from sandbox.audit.case import Case, Finding
from sandbox.ledger import Row

SLOW_MS = 2000.0
GENUINE = frozenset({"valid", "old", "off"})
FORGED = frozenset({"bad", "foreign", "none"})


def webhook_refused(case: Case) -> list[Finding]:
    """We turned a genuine call away, or broke on it."""
    return [_about(row) for row in _genuine(case) if row["status"] is not None and row["status"] >= 400]


def webhook_unanswered(case: Case) -> list[Finding]:
    return [_about(row) for row in _genuine(case) if row["error"]]


def webhook_slow(case: Case) -> list[Finding]:
    return [_about(row) for row in _genuine(case) if row["ms"] is not None and row["ms"] > SLOW_MS]


def webhook_forgery_accepted(case: Case) -> list[Finding]:
    """We said yes to a call that nobody had signed rightly."""
    return [
        _about(row)
        for row in case.deliveries
        if row["signature_kind"] in FORGED and (row["status"] or 0) < 300 and row["status"] is not None
    ]


def webhook_set_cookie(case: Case) -> list[Finding]:
    """Twilio would send it back for four hours."""
    return [_about(row) for row in case.deliveries if "set-cookie" in _answer_headers(row)]


def webhook_plain_text(case: Case) -> list[Finding]:
    """Twilio texts a plain answer to the person."""
    return [_about(row) for row in case.deliveries if row["kind"] in ("inbound", "status") and _is_plain_text(row)]


def parse_lost(case: Case) -> list[Finding]:
    """Mail that the provider will not bring again: too large, nowhere to go, or sent on."""
    return [_about(row) for row in case.deliveries if row["kind"] == "parse" and _is_final_no(row["status"] or 0)]


def _is_final_no(status: int) -> bool:
    return status in (404, 413) or 300 <= status < 400


def _is_plain_text(row: Row) -> bool:
    return bool(row["answer"]) and _answer_headers(row).get("content-type", "").startswith("text/plain")


def _genuine(case: Case) -> list[Row]:
    return [row for row in case.deliveries if row["signature_kind"] in GENUINE]


def _answer_headers(row: Row) -> dict[str, str]:
    return {name.lower(): value for name, value in json.loads(row["answer_headers"] or "[]")}


def _about(row: Row) -> Finding:
    return {name: row[name] for name in ("seq", "kind", "provider_id", "attempt", "url", "status", "ms", "error")}


LISTS = {
    "webhook_refused": webhook_refused,
    "webhook_unanswered": webhook_unanswered,
    "webhook_slow": webhook_slow,
    "webhook_forgery_accepted": webhook_forgery_accepted,
    "webhook_set_cookie": webhook_set_cookie,
    "webhook_plain_text": webhook_plain_text,
    "parse_lost": parse_lost,
}
