"""Fault plans: which request, call or event one of them breaks, how, and how often."""

import random
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import Any

_FAULTS = {
    ("create", "mail_send"): """
        http_429_json http_429_html queue_full http_5xx reset_before_accept reset_after_accept timeout_before_accept
        timeout_after_accept accept_late slow_body truncated_json not_json empty_201 wrong_status auth_revoked
        rfc9457_error refuse cb_before_response
    """,
    ("fetch", "list"): "api_list_down list_stale",
    ("callback",): """
        cb_duplicate cb_reorder cb_delay cb_drop cb_unknown_param cb_unknown_status cb_bad_signature cb_old_token
        cb_other_account cb_replay cb_burst
    """,
    ("inbound",): "in_duplicate in_retry_same_token in_lost in_out_of_order in_unsigned in_huge",
    ("event",): "ev_duplicate ev_delay ev_garbage_type ev_missing_args",
    ("batch",): "ev_reorder ev_split ev_merge ev_bad_signature ev_big_batch",
    ("parse",): """
        parse_retry parse_latin1 parse_bad_charset parse_600kb_text parse_40mb parse_unsigned parse_spoofed
    """,
    (): "connect_refused tls_error",
}
OPS = {name: ops for ops, names in _FAULTS.items() for name in names.split()}
"""Every fault, and the operations that it breaks unless its match names others. None: it works at once."""


@dataclass
class Plan:
    """Break what matches, so many times, with this probability."""

    fault: str
    match: dict[str, Any] = field(default_factory=dict)
    times: int | None = None
    """How often it fires. None: whenever it matches."""
    probability: float = 1.0
    args: dict[str, Any] = field(default_factory=dict)
    seen: int = 0
    fired: int = 0

    @classmethod
    def of(cls, told: dict[str, Any]) -> "Plan":
        """Read a plan. ValueError with what is wrong with it."""
        known = {"fault", "match", "times", "probability", "args"}
        if strangers := sorted(set(told) - known):
            raise ValueError(f"a plan has no {', '.join(strangers)}")
        if told.get("fault") not in OPS:
            raise ValueError(f"there is no fault {told.get('fault')!r}")
        plan = cls(**told)
        if "nth" in plan.match and plan.times is None:
            plan.times = 1
        return plan

    def fires(self, facts: dict[str, str], rng: random.Random) -> bool:
        """Whether it breaks this. Counts, so ask once."""
        if not self._matches(facts) or (self.times is not None and self.fired >= self.times):
            return False
        self.seen += 1
        if self.seen < int(self.match.get("nth", 1)) or rng.random() >= self.probability:
            return False
        self.fired += 1
        return True

    def _matches(self, facts: dict[str, str]) -> bool:
        if "op" not in self.match and facts["op"] not in OPS[self.fault]:
            return False
        wanted = {name: str(value) for name, value in self.match.items() if name != "nth"}
        return all(fnmatchcase(facts.get(name, ""), pattern) for name, pattern in wanted.items())

    def number(self, name: str, otherwise: float) -> float:
        return float(self.args.get(name, otherwise))


class Faults:
    """The plans, in order: the first that matches fires."""

    def __init__(self) -> None:
        self.plans: list[Plan] = []

    def pick(self, rng: random.Random, provider: str, op: str, **facts: str) -> Plan | None:
        """The plan that breaks this, if there is one. Whoever asks holds the world's lock."""
        told = {"provider": provider, "op": op, **facts}
        return next((plan for plan in self.plans if plan.fires(told, rng)), None)

    def as_json(self) -> list[dict[str, Any]]:
        return [asdict(plan) for plan in self.plans]
