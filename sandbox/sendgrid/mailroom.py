"""Mail as SendGrid keeps it, and the addresses that it will not mail."""

from dataclasses import dataclass, field
from typing import Any

SUPPRESSION_LISTS = ("bounces", "blocks", "spam_reports", "invalid_emails", "unsubscribes")


@dataclass
class Mail:
    """One mail to one recipient. Instants are virtual."""

    message_id: str
    index: int
    to: str
    subject: str
    created: float
    payload: dict[str, Any]
    """The request, as it came."""
    personalization: dict[str, Any]
    status: str = "accepted"
    updated: float = 0.0
    note: str = ""
    """What came of its one-click link."""

    @property
    def sender(self) -> str:
        return str((self.personalization.get("from") or self.payload["from"])["email"])

    @property
    def sender_name(self) -> str:
        return str((self.personalization.get("from") or self.payload["from"]).get("name") or "")

    @property
    def reply_to(self) -> str:
        """Where an answer goes."""
        given = self.payload.get("reply_to") or next(iter(self.payload.get("reply_to_list") or []), None)
        return str(given["email"]) if given else self.sender

    @property
    def headers(self) -> dict[str, str]:
        return {**self.payload.get("headers", {}), **self.personalization.get("headers", {})}

    @property
    def custom_args(self) -> dict[str, str]:
        return {**self.payload.get("custom_args", {}), **self.personalization.get("custom_args", {})}

    @property
    def attachments(self) -> list[dict[str, str]]:
        return list(self.payload.get("attachments") or [])

    def content(self, kind: str) -> str:
        parts = [part["value"] for part in self.payload.get("content", []) if part["type"].startswith(kind)]
        return str(parts[0]) if parts else ""

    @property
    def sg_message_id(self) -> str:
        return f"{self.message_id}.recvd-5f9ffdf494-9kc6l-1-673C6EB0-B.{self.index}"


@dataclass
class Suppressed:
    """Why an address is not mailed."""

    email: str
    created: float
    reason: str
    status: str = ""


@dataclass
class Mailroom:
    """All mail in the order in which it came, the suppression lists, and events on their way."""

    mails: list[Mail] = field(default_factory=list)
    _by_person: dict[str, list[Mail]] = field(default_factory=dict)
    suppressed: dict[str, dict[str, Suppressed]] = field(
        default_factory=lambda: {name: {} for name in SUPPRESSION_LISTS}
    )
    gathering: list[list[dict[str, Any]]] = field(default_factory=list)
    """Events waiting to be posted, a list for each sending server."""
    batches: dict[str, str] = field(default_factory=dict)
    """Batch ids handed out, and whether they are `cancel`led or `pause`d."""
    groups: dict[int, dict[str, Any]] = field(default_factory=dict)

    def add(self, mail: Mail) -> None:
        self.mails.append(mail)
        self._by_person.setdefault(mail.to, []).append(mail)

    def of(self, address: str) -> list[Mail]:
        return self._by_person.get(address, [])

    def find(self, message_id: str, index: int) -> Mail | None:
        return next((mail for mail in self.mails if (mail.message_id, mail.index) == (message_id, index)), None)

    def suppress(self, name: str, entry: Suppressed) -> None:
        self.suppressed[name][entry.email] = entry

    def why_suppressed(self, mail: Mail) -> str | None:
        """The reason that a `dropped` event gives, or None."""
        group = self.groups.get((mail.payload.get("asm") or {}).get("group_id", 0), {})
        if mail.to in group.get("members", ()):
            return "Unsubscribed Address"
        reasons = {
            "bounces": "Bounced Address",
            "spam_reports": "Spam Reporting Address",
            "unsubscribes": "Unsubscribed Address",
            "invalid_emails": "Invalid",
        }
        return next((reason for name, reason in reasons.items() if mail.to in self.suppressed[name]), None)
