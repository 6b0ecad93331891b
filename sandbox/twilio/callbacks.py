"""Status callbacks: the application is told what became of a message."""

from sandbox.clock import utc
from sandbox.twilio import calls
from sandbox.twilio.messages import Text
from sandbox.world import World


def tell(world: World, text: Text, status: str, error: int | None, moment: float) -> None:
    """Call the message's StatusCallback, on another thread."""
    if text.callback:
        call = calls.Call(
            "status", text.sid, text.callback, params(world, text, status, error, moment), world.new_uuid()
        )
        world.post.enqueue(text.sid, lambda: calls.make(world, call))


def params(world: World, text: Text, status: str, error: int | None, moment: float) -> list[tuple[str, str]]:
    fields = [
        ("ApiVersion", "2010-04-01"),
        ("MessageStatus", status),
        ("SmsSid", text.sid),
        ("SmsStatus", status),
        ("To", text.to),
        ("From", text.sender or ""),
        ("MessageSid", text.sid),
        ("AccountSid", text.account),
    ]
    if text.service:
        fields.append(("MessagingServiceSid", text.service))
    if error:
        fields.append(("ErrorCode", str(error)))
    if status in ("delivered", "undelivered") and world.rng.random() < 0.5:
        fields.append(("RawDlrDoneDate", utc(moment).strftime("%y%m%d%H%M")))
    return fields
