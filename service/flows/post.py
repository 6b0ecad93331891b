"""What delivering needs of the process it runs in, and what it hands on: a marked message, and what came of it."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from sqlalchemy.orm import Session

from service.channels import Ambiguous, Channel, ChannelError, HeldUp, Message, NotAccepted, Receipt
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
    lately: "Lately" = field(default_factory=lambda: Lately())


@dataclass(frozen=True, slots=True)
class Sending:
    """A marked delivery: what goes out, and the fence of the mark."""

    delivery_id: UUID
    fence: int
    channel: ChannelName
    message: Message
    call_by: float
    """By the machine's monotonic clock: later than this somebody else may be asking where the message is."""


Answered = tuple[Sending, Outcome]


class Lately:
    """How each provider took the calls of this process.

    A failure counts only where no call that was begun at the same time or later was taken properly. Of a crowd that was
    called at once the few that time out are heard of last, and together: they are no row of failures.
    """

    def __init__(self) -> None:
        self._taken: dict[ChannelName, float] = {}
        """When the last call was begun that was. By `Sending.call_by`, which orders them."""

    def news(self, channel: ChannelName, answered: Sequence[Answered]) -> list[Outcome]:
        """What tells how the provider is now. Safe to repeat."""
        heard = [(sending.call_by, outcome) for sending, outcome in answered if sending.channel is channel]
        known = self._taken.get(channel, 0.0)
        self._taken[channel] = known = max([known, *(begun for begun, outcome in heard if is_taken(outcome))])
        return [outcome for begun, outcome in heard if not is_failure(outcome) or begun > known]


def is_failure(outcome: Outcome) -> bool:
    """Whether the provider answered with trouble, or not at all."""
    asks_to_wait = isinstance(outcome, NotAccepted) and outcome.retry_after is not None
    return isinstance(outcome, Ambiguous | NotAccepted) and not (asks_to_wait or isinstance(outcome, HeldUp))


def is_taken(outcome: Outcome) -> bool:
    """Whether the provider dealt with the message, be it by a clear refusal."""
    return not isinstance(outcome, Ambiguous | NotAccepted)
