"""Recipients that break a request by themselves, without a plan."""

from typing import Any

from sandbox.faults.plans import Plan

NUMBERS: dict[str, tuple[str, dict[str, Any]]] = {
    "9429": ("http_429_json", {}),
    "9500": ("http_5xx", {"status": 500, "accepted": False}),
    "9501": ("http_5xx", {"status": 500, "accepted": True}),
    "9504": ("timeout_after_accept", {}),
    "9505": ("timeout_before_accept", {}),
    "9506": ("reset_after_accept", {}),
}
"""By the last four digits of +1 500 555."""
MAILBOXES: dict[str, tuple[str, dict[str, Any]]] = {
    "x429": ("http_429_json", {}),
    "x500": ("http_5xx", {"status": 500, "accepted": False}),
    "timeout-accept": ("timeout_after_accept", {}),
    "timeout-drop": ("timeout_before_accept", {}),
}
"""By local part, in any domain of sandbox.test."""


def plan_for(to: str) -> Plan | None:
    found = None
    if to.startswith("+1500555"):
        found = NUMBERS.get(to.removeprefix("+1500555"))
    elif to.endswith((".sandbox.test", "@sandbox.test")):
        found = MAILBOXES.get(to.partition("@")[0])
    return Plan(found[0], args=dict(found[1])) if found else None
