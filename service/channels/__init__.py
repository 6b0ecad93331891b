"""The port to the outside: how a message leaves, and the ways in which it can fail to.

ChannelError
  NotAccepted        certain that nothing was taken over: no connection, or told to come back later
    Unfinished       its words cannot be blanked while it is on its way
  Ambiguous          it may have been taken over: a time-out, a reset, a 5xx, an answer that cannot be read
  Refused            never try this message again
    AddressRefused   never try this address again: it opted out, or does not exist
  ChannelDown        wrong credentials, no credit, unregistered number: stop the channel, keep the messages, tell staff
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol


@dataclass(frozen=True)
class Message:
    """A message as it leaves: its words are final, its address normalised (E.164, or an email address).

    `reference` is ours. The provider gives it back in every report about the message, so a
    report can be told apart even when it arrives before our own record of the sending.
    """

    to: str
    text: str
    reference: str
    useful_for: timedelta | None = None
    """The provider lets it die in its own queue after this."""
    subject: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Receipt:
    """The provider took the message over, and calls it by this name."""

    provider_id: str


@dataclass(frozen=True)
class Received:
    """A message that somebody sent us, as the provider has it in its list."""

    provider_id: str
    sender: str
    text: str
    at: datetime | None
    has_picture: bool = False


class ChannelError(Exception):
    """A message could not be handed to the provider. The text holds codes, never an address or words."""


class NotAccepted(ChannelError):
    """Nothing was sent. It may work later; `retry_after` says when, if the provider did."""

    def __init__(self, reason: str, retry_after: timedelta | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class HeldUp(NotAccepted):
    """We were too late to ask. It says nothing of the provider."""


class Unfinished(NotAccepted):
    """The message is still on its way at the provider: its words can be blanked once it has ended."""


class Ambiguous(ChannelError):
    """Nobody knows yet whether it was sent."""


class Refused(ChannelError):
    """This message will never be taken over."""


class AddressRefused(Refused):
    """The address opted out, or does not exist."""


class ChannelDown(ChannelError):
    """Nothing can be sent on this channel until staff act."""


class Channel(Protocol):
    """One way of reaching a member. Adapters translate; they decide nothing."""

    sender: str
    """The number or address that messages leave from."""
    can_look_up: bool
    """Whether the provider can be asked what it has accepted."""

    def send(self, message: Message) -> Receipt:
        """Hand one message to the provider. Blocks for at most 20 seconds.

        Raises a ChannelError, and nothing else.
        """
        ...

    def look_up(self, to: str, text: str, since: datetime | None) -> Sequence[str]:
        """The provider's names of the messages with these words that it took over for this address since then, or ever.

        Raises a ChannelError where the provider cannot be asked.
        """
        ...

    def received(self, since: datetime) -> Sequence[Received]:
        """What has come in since then, the newest first; nothing where the provider keeps no such list.

        Raises a ChannelError where the provider cannot be asked.
        """
        ...

    def blank(self, provider_id: str) -> None:
        """Empty the words of a message in the provider's own records. Safe to repeat; one that is gone there is blank.

        Raises a ChannelError: Unfinished while the message is on its way.
        """
        ...
