"""The evidence of a case: what the ledger holds, and what was expected."""

import base64
import binascii
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from sandbox.ledger import Row

Finding = dict[str, Any]


@dataclass
class Case:
    """The rows of the ledger, and the expectation of a test."""

    accepted: list[Row]
    deliveries: list[Row]
    changes: list[Row]
    said: list[Row]
    expectation: dict[str, Any] = field(default_factory=dict)
    now: float = 0.0

    @classmethod
    def read(cls, rows: Callable[[str], list[Row]], expectation: dict[str, Any], now: float) -> "Case":
        return cls(rows("accepted"), rows("deliveries"), rows("state_changes"), rows("said"), expectation, now)

    @cached_property
    def sends(self) -> list[Row]:
        """What the application sent of its own accord. What it answered by TwiML is not among it."""
        return [row for row in self.accepted if row["direction"] == "outbound-api"]

    @cached_property
    def texts(self) -> list[Row]:
        return [row for row in self.accepted if row["provider"] == "twilio"]

    @cached_property
    def mails(self) -> list[Row]:
        return [row for row in self.accepted if row["provider"] == "sendgrid"]

    @cached_property
    def expected(self) -> list[Finding]:
        return list(self.expectation.get("messages", []))

    @property
    def has_expectations(self) -> bool:
        return "messages" in self.expectation

    @cached_property
    def expected_by_id(self) -> dict[str, Finding]:
        return {str(one["app_message_id"]): one for one in self.expected if one.get("app_message_id") is not None}


def payload(row: Row) -> dict[str, Any]:
    """The request behind an accepted mail."""
    return dict(json.loads(row["detail"] or "{}").get("payload", {}))


def personalization(row: Row) -> dict[str, Any]:
    return dict(json.loads(row["detail"] or "{}").get("personalization", {}))


def mail_headers(row: Row) -> dict[str, str]:
    """The headers of a mail, their names in lower case."""
    both = {**payload(row).get("headers", {}), **personalization(row).get("headers", {})}
    return {name.lower(): str(value) for name, value in both.items()}


def words(row: Row) -> Iterator[str]:
    """Everything in a message that somebody may read."""
    yield row["body"] or ""
    yield row["subject"] or ""
    if row["provider"] == "sendgrid":
        mail = payload(row)
        yield from mail_headers(row).values()
        yield from (str(part.get("value", "")) for part in mail.get("content", []))
        yield from (_decoded(one.get("content", "")) for one in mail.get("attachments", []))


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text).decode("utf-8", "replace")
    except binascii.Error:
        return ""


def instant(value: Any) -> float | None:
    """Seconds since 1970, from a number or from ISO 8601."""
    if value is None:
        return None
    return float(value) if isinstance(value, int | float) else datetime.fromisoformat(str(value)).timestamp()


def finding(row: Row, **more: Any) -> Finding:
    """An accepted message that something is wrong with."""
    told = {name: row[name] for name in ("seq", "provider", "provider_id", "app_message_id", "to_norm")}
    return {**told, **more}
