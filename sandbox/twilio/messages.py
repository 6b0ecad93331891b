"""Messages as Twilio keeps them, the numbers that may not be texted, and how busy each sender is."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import format_datetime
from typing import Any

from sandbox.clock import utc

FINAL = frozenset({"delivered", "undelivered", "failed", "canceled", "read", "received"})


@dataclass
class Text:
    """One message, either way. Instants are virtual."""

    sid: str
    account: str
    to: str
    sender: str | None
    body: str
    direction: str
    status: str
    created: float
    segments: int
    service: str | None = None
    updated: float = 0.0
    sent: float | None = None
    finished: float | None = None
    error: int | None = None
    callback: str | None = None
    reference: str | None = None
    """The application's own id, as `m` in the callback's query."""
    validity: float = 36_000.0
    send_at: float | None = None
    media: int = 0
    heard: str = ""
    """Why the application did not hear of an inbound text. Empty when it did."""
    told_early: str = ""
    """The status that the application was told before its request was answered."""
    held_back: Any = None
    """A callback that is to go out after the next one."""

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    @property
    def date(self) -> float | None:
        """What `DateSent` filters look at: null while a message is queued."""
        return self.created if self.direction == "inbound" else self.sent

    def resource(self) -> dict[str, Any]:
        """The 20 fields of the answer."""
        uri = f"/2010-04-01/Accounts/{self.account}/Messages/{self.sid}"
        return {
            "account_sid": self.account,
            "api_version": "2010-04-01",
            "body": self.body,
            "date_created": _rfc2822(self.created),
            "date_sent": _rfc2822(self.date),
            "date_updated": _rfc2822(self.updated or self.created),
            "direction": self.direction,
            "error_code": self.error,
            "error_message": None,
            "from": self.sender,
            "messaging_service_sid": self.service,
            "num_media": str(self.media),
            "num_segments": "0" if self.service and self.sender is None else str(self.segments),
            "price": None,
            "price_unit": "USD" if self.service is None else None,
            "sid": self.sid,
            "status": self.status,
            "subresource_uris": {"media": f"{uri}/Media.json"},
            "to": self.to,
            "uri": f"{uri}.json",
        }


@dataclass
class Texts:
    """All messages of all accounts, in the order in which they came to be."""

    by_sid: dict[str, Text] = field(default_factory=dict)
    _by_person: dict[str, list[Text]] = field(default_factory=dict)
    blocked: set[tuple[str, str]] = field(default_factory=set)
    """(service or number, person) pairs that Twilio refuses to text."""
    free_at: dict[str, float] = field(default_factory=dict)
    """When each sending number will have worked off its queue."""
    looped: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    """When we last answered a person by TwiML."""
    cookies: dict[tuple[str, str], tuple[str, float]] = field(default_factory=dict)
    """What the application's answers set, for each of our numbers and each person, and until when it is kept."""

    def add(self, text: Text) -> None:
        self.by_sid[text.sid] = text
        self._by_person.setdefault(text.to, []).append(text)
        if text.sender:
            self._by_person.setdefault(text.sender, []).append(text)

    def assign(self, text: Text, number: str) -> None:
        """A Messaging Service has picked the number that a message is sent from."""
        text.sender = number
        self._by_person.setdefault(number, []).append(text)

    def remove(self, text: Text) -> None:
        self.by_sid.pop(text.sid, None)
        for name in {text.to, text.sender or text.to}:
            self._by_person[name] = [other for other in self._by_person.get(name, []) if other is not text]

    def of(self, number: str) -> list[Text]:
        """What a number received or sent."""
        return self._by_person.get(number, [])

    def newest_first(self, to: str = "") -> Iterator[Text]:
        return iter(self.of(to)[::-1] if to else list(self.by_sid.values())[::-1])

    def is_blocked(self, sender: str | None, service: str | None, person: str) -> bool:
        return (service or sender or "", person) in self.blocked

    def queued_seconds(self, number: str, now: float) -> float:
        return max(0.0, self.free_at.get(number, 0.0) - now)


def _rfc2822(moment: float | None) -> str | None:
    return None if moment is None else format_datetime(utc(moment))
