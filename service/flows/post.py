"""What delivering needs of the process it runs in, and what it hands on: a marked message, and what came of it."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from sqlalchemy.orm import Session

from service.channels import Channel, ChannelError, Message, Receipt
from service.clock import Clock
from service.gate import Gate
from service.rules.consent import Channel as ChannelName
from service.rules.retries import Patience

OpenDb = Callable[[], AbstractContextManager[Session]]
Outcome = Receipt | ChannelError


@dataclass(frozen=True)
class Post:
    """The same for every message that this process sends."""

    open_db: OpenDb
    channels: Mapping[ChannelName, Channel]
    clock: Clock
    public_url: str
    sender_rate: float
    """Texts' segments a second for each sending number; 0 is no limit."""
    data_dir: Path
    gate: Gate
    patience: Patience = field(default_factory=Patience)


@dataclass(frozen=True, slots=True)
class Sending:
    """A marked delivery: what goes out, and the fence of the mark."""

    delivery_id: UUID
    fence: int
    channel: ChannelName
    message: Message
    call_by: float
    """By the machine's monotonic clock: later than this somebody else may be asking where the message is."""
