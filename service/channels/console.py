"""The fake: keeps every message, sends none. For tests of what stands above the channels."""

from collections.abc import Callable, Sequence
from datetime import datetime

from service.channels import Message, Receipt, Received


class Console:
    can_look_up = True

    def __init__(self, sender: str = "+15005550006") -> None:
        self.sender = sender
        self.outbox: list[Message] = []
        self.inbox: list[Received] = []
        self.blanked: list[str] = []
        self.before_sending: Callable[[Message], None] = lambda message: None
        """Raise a ChannelError here to fail, before or after putting the message into the outbox."""
        self.before_blanking: Callable[[str], None] = lambda provider_id: None

    def send(self, message: Message) -> Receipt:
        self.before_sending(message)
        self.outbox.append(message)
        return Receipt(provider_id=f"CONSOLE{len(self.outbox):08d}")

    def look_up(self, to: str, text: str, since: datetime | None) -> Sequence[str]:
        return [
            f"CONSOLE{number:08d}"
            for number, message in enumerate(self.outbox, 1)
            if (message.to, message.text) == (to, text)
        ]

    def received(self, since: datetime) -> Sequence[Received]:
        return [one for one in reversed(self.inbox) if one.at is None or one.at >= since]

    def blank(self, provider_id: str) -> None:
        self.before_blanking(provider_id)
        self.blanked.append(provider_id)
