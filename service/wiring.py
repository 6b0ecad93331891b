"""Puts the parts together, once a process: settings, keys, database, clock, channels."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from dotenv import dotenv_values
from sqlalchemy import Engine, select

from service import failpoints, keys
from service.channels import Channel
from service.clock import Clock, join, look
from service.database import OpenDb, connect, looker, opener, reader
from service.flows.post import Post
from service.gate import gate_of
from service.models import Practice
from service.models.sealed import use_keys
from service.rules.consent import Channel as ChannelName
from service.settings import Settings, SettingsError


@dataclass(frozen=True)
class Parts:
    """What the doors hand to the flows."""

    settings: Settings
    engine: Engine
    clock: Clock
    """The present of members, sessions and messages; in practice mode it may race."""
    open_db: OpenDb
    read_db: OpenDb
    machine_clock: Clock = field(default_factory=Clock)
    """The present of staff at their browsers: sign-ins and their links last by this one."""
    _made: dict[int, Mapping[ChannelName, Channel]] = field(default_factory=dict, repr=False)

    @property
    def channels(self) -> Mapping[ChannelName, Channel]:
        """Made on first use in each process: a child that shares its parent's connections gets others' answers."""
        pid = os.getpid()
        if pid not in self._made:
            self._made[pid] = open_channels(self)
        return self._made[pid]

    @cached_property
    def look_db(self) -> OpenDb:
        """For a question that is asked every second."""
        return looker(self.engine)

    @cached_property
    def secret_key(self) -> str:
        return keys.secret_key(self.settings)

    def post(self) -> Post:
        """What delivering needs."""
        return Post(
            open_db=self.open_db,
            channels=self.channels,
            clock=self.clock,
            public_url=self.settings.public_url,
            sender_rate=self.settings.sender_rate,
            data_dir=self.settings.data_dir,
            gate=gate_of(self.engine),
            patience=self.settings.patience,
        )


def open_channels(parts: Parts) -> Mapping[ChannelName, Channel]:
    # the clients take half a second to import: only a process that sends loads them
    from service.channels.sendgrid_email import SendGridEmail
    from service.channels.transport import Transport
    from service.channels.twilio_sms import TwilioSms

    settings, transport = parts.settings, Transport(parts.settings.patience)
    with parts.read_db() as db:
        practice = db.scalars(select(Practice)).first()
    return {
        ChannelName.SMS: TwilioSms(settings.twilio, transport, f"{settings.public_url}/webhooks/twilio/status"),
        ChannelName.EMAIL: SendGridEmail(
            settings.sendgrid, transport, practice.sender_label if practice else "Groupkeeper"
        ),
    }


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """From the environment, over what `.env` says. Raises SettingsError."""
    given = os.environ if environ is None else environ
    kept = {name: value for name, value in dotenv_values(".env").items() if value is not None}
    return Settings.from_env({**kept, **given})


def build(settings: Settings, *, stays: bool) -> Parts:
    """The parts of a process. `stays`: it runs until stopped, and keeps the practice clock going.

    Raises SettingsError where the data directory or the keys cannot be used.
    """
    failpoints.arm(os.environ, settings.is_on_this_machine)
    prepare_data_dir(settings)
    use_keys(keys.keyring(settings))
    engine = connect(settings.database_url)
    engine.update_execution_options(is_live=not settings.is_practice)  # for planning, see flows/consider
    return Parts(
        settings=settings,
        engine=engine,
        clock=(join if stays else look)(settings.clock, settings.data_dir),
        open_db=opener(engine),
        read_db=reader(engine),
    )


def prepare_data_dir(settings: Settings) -> None:
    """Make the data directory, readable by us alone. Raises SettingsError where it cannot be written to."""
    try:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = settings.data_dir / f".probe.{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise SettingsError(
            [f"DATA_DIR {settings.data_dir} cannot be written to: {error.strerror}. Choose another."]
        ) from error
