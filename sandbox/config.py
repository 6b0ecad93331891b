"""Who may call, what is for hire, and how the sandbox behaves where the real services differ or their papers do."""

from dataclasses import dataclass, field, fields
from typing import Any

ACCOUNT = "AC" + "0" * 32
TOKEN = "12345"
SECOND_TOKEN = "67890"
API_KEY = "SK" + "0" * 31 + "1"
API_SECRET = "secret"
SERVICE = "MG" + "0" * 32
NUMBER = "+15005550006"
SENDGRID_KEY = "SG.sandbox.key"
SENDGRID_KEY_WITHOUT_SCOPE = "SG.sandbox.readonly"

FOREIGN_ACCOUNT = "AC" + "9" * 32
FOREIGN_TOKEN = "99999"
TEST_ACCOUNT = "AC" + "7" * 32
"""Twilio's test credentials: magic numbers, nothing stored, no callback."""
TEST_TOKEN = "77777"

SEGMENTS_PER_SECOND = {"long_code": 1.0, "toll_free": 3.0, "short_code": 10.0, "unlimited": 1e6}
"""By kind of number. `unlimited` is no real one: it is for measuring how fast the application is."""
QUEUE_SECONDS = 36_000


@dataclass
class Config:
    """Everything that `POST /_sandbox/config` can set."""

    numbers: dict[str, str] = field(default_factory=lambda: {NUMBER: "long_code"})
    services: dict[str, list[str]] = field(default_factory=lambda: {SERVICE: [NUMBER]})
    inbound_url: str | None = None
    inbound_fallback_url: str | None = None
    status_url: str | None = None
    events_url: str | None = None
    parse_url: str | None = None

    signing: str = "on"
    """`on`, `off`, or `second`: with the second token, as while a token is being changed."""
    parse_signed: bool = True
    advanced_opt_out: bool = False
    trim_match: bool = False
    """Whether Twilio takes " stop " and "STOP." for STOP. Its papers do not say."""
    strict: bool = False
    """Unknown parameters are refused instead of recorded."""

    latency: str = "typical"
    """`typical`, or `none`: every step follows the one before it at once."""
    no_receipt: float = 0.03
    """The share of messages that a carrier never reports on."""
    allowed_prefixes: list[str] | None = None
    landlines: list[str] = field(default_factory=list)
    delete_early_status: int = 409
    service_fails_opt_outs: bool = False
    """A Messaging Service takes messages to those who opted out, and fails them with 21610 in the callback."""
    out_of_credit: bool = False
    verified_senders: list[str] | None = None
    """Addresses or domains that mail may come from. None: any."""

    messaging_retry_on_timeout: bool = False
    renew_timestamp_on_retry: bool = False
    retry_4xx: bool = False
    event_servers: int = 1
    event_seconds: float = 30.0
    """How long events are gathered before they are posted."""

    def preset(self, app_url: str) -> None:
        """Point every webhook at an application."""
        base = app_url.rstrip("/")
        self.inbound_url = f"{base}/webhooks/twilio/inbound"
        self.events_url = f"{base}/webhooks/sendgrid/events"
        self.parse_url = f"{base}/webhooks/sendgrid/inbound"

    def update(self, changes: dict[str, Any]) -> list[str]:
        """Set what is named. Returns the names that are not known; nothing is set when there are any."""
        known = {one.name for one in fields(self)} | {"app_url"}
        if strangers := sorted(set(changes) - known):
            return strangers
        for name, value in changes.items():
            if name == "app_url":
                self.preset(value)
            else:
                setattr(self, name, value)
        return []

    def segments_per_second(self, number: str) -> float:
        return SEGMENTS_PER_SECOND.get(self.numbers.get(number, "long_code"), 1.0)

    def service_of(self, number: str) -> str | None:
        return next((service for service, numbers in self.services.items() if number in numbers), None)
