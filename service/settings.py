"""Every setting, read from the environment and checked before anything starts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from service.clock import ClockSetting
from service.environment import Environment, SettingsError
from service.rules.retries import DEADLINE, LEASE, Patience

SANDBOX_ACCOUNT = "AC" + "0" * 32
SANDBOX_TOKEN = "12345"
SANDBOX_API_KEY = "SK" + "0" * 31 + "1"
SANDBOX_API_SECRET = "secret"
SANDBOX_NUMBER = "+15005550006"
SANDBOX_SENDGRID_KEY = "SG.sandbox.key"
SANDBOX_EVENT_KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqVef44rmmFVAacPU4/3tq5/7mgGGERTlrAwL10JpXmIcIEzYtqCgbwFjZf0H70ze"
    "4SlPAodes7sT8+TQ9VHXQA=="
)

NAMES = (
    *("DATA_DIR", "DATABASE_URL", "REDIS_URL", "PUBLIC_URL", "HOST", "PORT", "SANDBOX_PORT"),
    *("GROUPKEEPER_MODE", "GROUPKEEPER_CLOCK", "SECRET_KEY", "FIELD_KEYS", "SENDER_RATE", "LOG_FORMAT"),
    *("TRUSTED_PROXIES", "HTTP_DEADLINE", "LEASE_SECONDS"),
    *("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_API_KEY", "TWILIO_API_SECRET"),
    *("TWILIO_FROM", "TWILIO_MESSAGING_SERVICE_SID", "TWILIO_API_BASE"),
    *("SENDGRID_API_KEY", "SENDGRID_FROM", "SENDGRID_REPLY_DOMAIN", "SENDGRID_EVENT_PUBLIC_KEY"),
    *("SENDGRID_INBOUND_PUBLIC_KEY", "SENDGRID_API_BASE"),
)

SECRETS = frozenset(
    {
        "DATABASE_URL",
        "REDIS_URL",
        "SECRET_KEY",
        "FIELD_KEYS",
        "TWILIO_AUTH_TOKEN",
        "TWILIO_API_KEY",
        "TWILIO_API_SECRET",
        "SENDGRID_API_KEY",
    }
)
"""These may also be given as a file: `TWILIO_AUTH_TOKEN_FILE=/run/secrets/twilio`."""

NEEDED_LIVE = ("PUBLIC_URL", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "SENDGRID_API_KEY", "SENDGRID_FROM")


PROXIES = "the number of proxies in front (0 to 3)"
PACE = "a number of segments a second, like 1; 0 is no limit"


class Mode(StrEnum):
    PRACTICE = "practice"
    LIVE = "live"


@dataclass(frozen=True)
class TwilioSettings:
    account_sid: str
    auth_token: str = field(repr=False)
    api_key: str = field(repr=False)
    api_secret: str = field(repr=False)
    sender: str
    messaging_service_sid: str
    base: str | None
    """None is the real service."""


@dataclass(frozen=True)
class SendGridSettings:
    api_key: str = field(repr=False)
    sender: str
    reply_domain: str
    event_public_key: str
    inbound_public_key: str
    base: str | None


@dataclass(frozen=True)
class Settings:
    data_dir: Path
    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    """Empty: the Valkey that runs in `data_dir`."""
    public_url: str
    host: str
    """The address that the pages listen on; 0.0.0.0 behind a proxy on another machine."""
    port: int
    sandbox_port: int
    trusted_proxies: int
    """So many proxies stand in front: what they say of who asks is believed, and nobody else's word."""
    mode: Mode
    clock: ClockSetting | None
    secret_key: str = field(repr=False)
    """Empty: made once in `data_dir`."""
    field_keys: str = field(repr=False)
    twilio: TwilioSettings
    sendgrid: SendGridSettings
    sender_rate: float
    """Segments a second for each sending number; 0 is no limit."""
    patience: Patience
    log_format: str

    @property
    def is_practice(self) -> bool:
        return self.mode is Mode.PRACTICE

    @property
    def is_on_this_machine(self) -> bool:
        """Nobody elsewhere can reach the pages."""
        return urlsplit(self.public_url).hostname in ("127.0.0.1", "localhost", "::1")

    @property
    def sandbox_url(self) -> str:
        return f"http://127.0.0.1:{self.sandbox_port}"

    @property
    def uses_sandbox(self) -> bool:
        return self.sandbox_url in (self.twilio.base, self.sendgrid.base)

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Raises SettingsError naming everything that is missing or wrong, at once."""
        return _Reader(environ).settings()


class _Reader:
    """Reads each setting, and keeps what is wrong until the end."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._given = Environment(environ, SECRETS)

    def settings(self) -> Settings:
        mode = self._given.one_of("GROUPKEEPER_MODE", tuple(Mode), Mode.PRACTICE)
        live = mode == Mode.LIVE
        port = self._given.port("PORT", 8000)
        sandbox_port = self._given.port("SANDBOX_PORT", port + 1 if port < 65535 else port - 1)
        data_dir = Path(self._given.text("DATA_DIR") or "./var").expanduser().resolve()
        if live:
            self._need(NEEDED_LIVE)
        public_url = self._given.url("PUBLIC_URL", https=live) or f"http://127.0.0.1:{port}"
        settings = Settings(
            data_dir=data_dir,
            database_url=self._database_url(data_dir),
            redis_url=self._redis_url(),
            public_url=public_url,
            host=self._given.text("HOST") or "127.0.0.1",
            port=port,
            sandbox_port=sandbox_port,
            # we do not speak https ourselves: with such an address somebody stands in front
            trusted_proxies=self._given.count("TRUSTED_PROXIES", int(public_url.startswith("https")), 3, PROXIES),
            mode=Mode(mode),
            clock=self._clock(live),
            secret_key=self._secret_key(),
            field_keys=self._given.text("FIELD_KEYS"),
            twilio=self._twilio(live, sandbox_port),
            sendgrid=self._sendgrid(live, sandbox_port),
            sender_rate=self._given.number("SENDER_RATE", 1.0, 10_000, PACE),
            patience=self._patience(),
            log_format=self._given.one_of("LOG_FORMAT", ("", "text", "json"), ""),
        )
        if self._given.problems:
            raise SettingsError(self._given.problems)
        return settings

    def _need(self, names: tuple[str, ...]) -> None:
        for name in names:
            if not self._given.text(name):
                self._given.wrong(name, "is missing: live mode needs it. Set it in the environment or in .env")
        if not (self._given.text("TWILIO_FROM") or self._given.text("TWILIO_MESSAGING_SERVICE_SID")):
            self._given.wrong("TWILIO_FROM", "is missing: set it to your number, or set TWILIO_MESSAGING_SERVICE_SID")

    def _patience(self) -> Patience:
        deadline = self._given.number("HTTP_DEADLINE", DEADLINE, 60, "a number of seconds from 1 to 60", least=1)
        lease = self._given.number("LEASE_SECONDS", LEASE, 600, "a number of seconds from 8 to 600", least=8)
        patience = Patience(deadline, lease)
        if not patience.is_enough:
            what = f"({lease:g}) must be at least 3 times HTTP_DEADLINE ({deadline:g}) plus 5"
            self._given.wrong("LEASE_SECONDS", what)
        return patience

    def _database_url(self, data_dir: Path) -> str:
        value = self._given.text("DATABASE_URL")
        if not value:
            return f"sqlite:///{data_dir / 'groupkeeper.db'}"
        scheme, _, rest = value.partition("://")
        if scheme in ("postgres", "postgresql", "postgresql+psycopg") and rest:
            return f"postgresql+psycopg://{rest}"
        if scheme == "sqlite" and rest.startswith("/") and len(rest) > 1:
            return value
        self._given.wrong(
            "DATABASE_URL", "must begin with sqlite:/// or postgresql://, like postgresql://user@host/name"
        )
        return ""

    def _redis_url(self) -> str:
        value = self._given.text("REDIS_URL")
        if value and value.partition("://")[0] not in ("redis", "rediss", "unix"):
            self._given.wrong("REDIS_URL", "must begin with redis:// or rediss://, or be empty for the embedded Valkey")
        return value

    def _secret_key(self) -> str:
        value = self._given.text("SECRET_KEY")
        if value and len(value) < 32:
            self._given.wrong("SECRET_KEY", "is too short: use 32 characters or more, or leave it out to have one made")
        return value

    def _clock(self, live: bool) -> ClockSetting | None:
        value = self._given.text("GROUPKEEPER_CLOCK")
        if not value:
            return None
        if live:
            self._given.wrong("GROUPKEEPER_CLOCK", "only works in practice mode. Remove it to go live")
            return None
        try:
            return ClockSetting.parse(value)
        except ValueError:
            self._given.wrong("GROUPKEEPER_CLOCK", "must look like 2026-03-06T12:00:00Z or 2026-03-06T12:00:00Z*600")
            return None

    def _twilio(self, live: bool, sandbox_port: int) -> TwilioSettings:
        given = self._given.text("TWILIO_ACCOUNT_SID")
        key = self._given.text("TWILIO_API_KEY")
        secret = self._given.text("TWILIO_API_SECRET")
        if bool(key) != bool(secret):
            self._given.wrong("TWILIO_API_KEY", "and TWILIO_API_SECRET go together. Set both or neither")
        service = self._given.text("TWILIO_MESSAGING_SERVICE_SID")
        return TwilioSettings(
            account_sid=given or SANDBOX_ACCOUNT,
            auth_token=self._given.text("TWILIO_AUTH_TOKEN") or SANDBOX_TOKEN,
            api_key=key or ("" if given else SANDBOX_API_KEY),
            api_secret=secret or ("" if given else SANDBOX_API_SECRET),
            sender=self._given.text("TWILIO_FROM") or ("" if service else SANDBOX_NUMBER),
            messaging_service_sid=service,
            base=self._base("TWILIO_API_BASE", live, sandbox_port),
        )

    def _sendgrid(self, live: bool, sandbox_port: int) -> SendGridSettings:
        return SendGridSettings(
            api_key=self._given.text("SENDGRID_API_KEY") or SANDBOX_SENDGRID_KEY,
            sender=self._given.text("SENDGRID_FROM") or "office@groups.example.org",
            reply_domain=self._given.text("SENDGRID_REPLY_DOMAIN"),
            event_public_key=self._given.text("SENDGRID_EVENT_PUBLIC_KEY") or ("" if live else SANDBOX_EVENT_KEY),
            inbound_public_key=self._given.text("SENDGRID_INBOUND_PUBLIC_KEY") or ("" if live else SANDBOX_EVENT_KEY),
            base=self._base("SENDGRID_API_BASE", live, sandbox_port),
        )

    def _base(self, name: str, live: bool, sandbox_port: int) -> str | None:
        given = self._given.url(name, https=live)
        if given:
            return given
        return None if live else f"http://127.0.0.1:{sandbox_port}"


__all__ = ["NAMES", "SECRETS", "Mode", "SendGridSettings", "Settings", "SettingsError", "TwilioSettings"]
