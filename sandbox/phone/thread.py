"""What one person's screen shows, oldest first."""

from dataclasses import dataclass

from sandbox.lives import Said
from sandbox.sendgrid.mailroom import Mail
from sandbox.twilio.messages import Text
from sandbox.world import World

WORDS = {
    "accepted": "Taken over",
    "queued": "Queued",
    "scheduled": "Scheduled",
    "sending": "Sending",
    "sent": "Sent",
    "delivered": "Delivered",
    "undelivered": "Not delivered",
    "failed": "Failed",
    "canceled": "Cancelled",
    "received": "",
    "processed": "On its way",
    "deferred": "Held up",
    "bounce": "Bounced",
    "blocked": "Blocked",
    "dropped": "Dropped",
    "spamreport": "Marked as spam",
    "unsubscribe": "Unsubscribed",
    "open": "Opened",
}
TROUBLE = frozenset({"undelivered", "failed", "canceled", "bounce", "blocked", "dropped", "spamreport"})

LOCK_SCREEN = 40


@dataclass(frozen=True)
class Bubble:
    """One message on the screen. `side` is `in` for what came to the phone, `out` for what its owner wrote."""

    name: str
    moment: float
    side: str
    body: str
    state: str = ""
    is_trouble: bool = False
    segments: int = 0
    by_provider: bool = False
    is_redacted: bool = False
    mail: Mail | None = None
    subject: str = ""

    @property
    def revision(self) -> str:
        return f"{self.state}{len(self.body)}"


def bubbles(world: World, person: str, limit: int = 200) -> list[Bubble]:
    """The newest `limit` bubbles, in the order in which they came."""
    with world.lock:
        found = [_of_text(text) for text in world.texts.of(person)]
        found += [_of_mail(mail) for mail in world.mailroom.of(person)]
        found += [_of_said(said, n) for n, said in enumerate(world.lives.said(person))]
    return sorted(found, key=lambda bubble: bubble.moment)[-limit:]


def lock_screen(world: World, person: str) -> str:
    """What others see on a locked phone: the first 40 characters of what came last."""
    arrived = [bubble for bubble in bubbles(world, person) if bubble.side == "in"]
    if not arrived:
        return ""
    words = arrived[-1].subject if arrived[-1].mail else arrived[-1].body
    return words if len(words) <= LOCK_SCREEN else f"{words[:LOCK_SCREEN].rstrip()}…"


def last_line(world: World, person: str) -> str:
    """What the list of people shows below a name."""
    found = bubbles(world, person, limit=1)
    if not found:
        return ""
    last = found[0]
    words = last.subject if last.mail else last.body
    return ("You: " if last.side == "out" else "") + (words or "No words")


def _of_text(text: Text) -> Bubble:
    if text.direction == "inbound":
        return Bubble(text.sid, text.created, "out", text.body, text.heard, is_trouble=bool(text.heard))
    state = WORDS.get(text.status, text.status)
    return Bubble(
        text.sid,
        text.created,
        "in",
        text.body,
        f"{state} ({text.error})" if text.error else state,
        is_trouble=text.status in TROUBLE,
        segments=text.segments,
        is_redacted=not text.body,
    )


def _of_mail(mail: Mail) -> Bubble:
    return Bubble(
        f"{mail.message_id}-{mail.index}",
        mail.created,
        "in",
        mail.content("text/plain"),
        " · ".join(words for words in (WORDS.get(mail.status, mail.status), mail.note) if words),
        is_trouble=mail.status in TROUBLE,
        mail=mail,
        subject=mail.subject,
    )


def _of_said(said: Said, number: int) -> Bubble:
    by_provider = said.who == "provider"
    return Bubble(
        f"said-{number}",
        said.moment,
        "in" if by_provider else "out",
        said.body,
        by_provider=by_provider,
        subject=said.subject,
    )
