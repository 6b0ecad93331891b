"""Inbound Parse: a person's mail is posted to the application, in the bytes that SendGrid would send."""

import json
import time
from dataclasses import dataclass, field
from email.utils import format_datetime

from sandbox.clock import utc
from sandbox.lives import Said
from sandbox.post import Parcel
from sandbox.sendgrid.signature import SIGNATURE, TIMESTAMP, sign
from sandbox.world import World

BOUNDARY = "xYzZY"
RETRIED_FOR = 3 * 86_400.0
FIRST_RETRY = 60.0


@dataclass
class Letter:
    """A mail from a person."""

    sender: str
    to: str
    subject: str = ""
    text: str | None = None
    html: str | None = None
    sender_name: str = ""
    charset: str = "utf-8"
    headers: dict[str, str] = field(default_factory=dict)
    envelope_from: str | None = None
    dkim: str | None = None
    spf: str = "pass"
    attachments: list[tuple[str, str, bytes]] = field(default_factory=list)
    """File name, type, bytes."""
    raw_mode: bool = False


def receive(world: World, letter: Letter) -> str:
    """Take in a person's mail and post it, on another thread. Returns its name in the ledger."""
    with world.lock:
        now = world.clock.now()
        name = f"<{world.new_id(22)}@mail.sandbox.test>"
        ticket = world.record(
            "said",
            now,
            who="person",
            channel="email",
            provider_id=name,
            sender=letter.sender.lower(),
            recipient=letter.to,
            body=letter.text or letter.html or "",
            detail=json.dumps({"subject": letter.subject}),
        )
        world.lives.hear(
            letter.sender.lower(),
            Said("person", "email", letter.to, letter.text or letter.html or "", now, letter.subject),
        )
        world.changed(letter.sender.lower())
    ticket.wait()
    post(world, name, multipart(fields(letter, name, now)), now)
    return name


def fields(letter: Letter, message_id: str, moment: float) -> list[tuple[str, bytes]]:
    """The form's fields, in the order in which SendGrid has them."""
    shown = f"{letter.sender_name} <{letter.sender}>" if letter.sender_name else letter.sender
    envelope = {"to": [letter.to], "from": letter.sender if letter.envelope_from is None else letter.envelope_from}
    domain = letter.sender.partition("@")[2]
    texts = [("text", letter.text), ("html", letter.html)]
    charsets = {"to": "UTF-8", "from": "UTF-8", "subject": "UTF-8"}
    found = [
        ("headers", _headers(letter, shown, message_id, moment).encode()),
        ("dkim", (letter.dkim or f"{{@{domain} : pass}}").encode()),
        ("to", letter.to.encode()),
        ("from", shown.encode()),
    ]
    for name, value in texts:
        if value is not None:
            charsets[name] = letter.charset
            found.append((name, _encoded(value, letter.charset)))
    return [
        *found,
        ("sender_ip", b"209.85.223.169"),
        ("envelope", json.dumps(envelope, separators=(",", ":")).encode()),
        ("attachments", str(len(letter.attachments)).encode()),
        ("subject", letter.subject.encode()),
        ("charsets", json.dumps(charsets, separators=(",", ":")).encode()),
        ("SPF", letter.spf.encode()),
    ]


def _headers(letter: Letter, shown: str, message_id: str, moment: float) -> str:
    lines = {
        "Received": f"by recvd-68b7d8 with SMTP id 6WCVv7KAWn {format_datetime(utc(moment))} (UTC)",
        "MIME-Version": "1.0",
        "From": shown,
        "Date": format_datetime(utc(moment)),
        "Message-ID": message_id,
        "Subject": letter.subject,
        "To": letter.to,
        **letter.headers,
    }
    return "".join(f"{name}: {value}\n" for name, value in lines.items())


def _encoded(text: str, charset: str) -> bytes:
    try:
        return text.encode(charset, "replace")
    except LookupError:
        return text.encode()


def multipart(found: list[tuple[str, bytes]], files: list[tuple[str, str, str, bytes]] | None = None) -> bytes:
    """Bytes of a form. Each file is its field, its name, its type and its bytes."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n'.encode() + v + b"\r\n" for n, v in found
    ]
    for name, filename, kind, content in files or []:
        head = f'Content-Disposition: form-data; name="{name}"; filename="{filename}"\r\nContent-Type: {kind}\r\n\r\n'
        parts.append(f"--{BOUNDARY}\r\n{head}".encode() + content + b"\r\n")
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def post(world: World, name: str, body: bytes, moment: float) -> None:
    if world.config.parse_url:
        attempt(world, name, body, moment, moment, 1)


def attempt(world: World, name: str, body: bytes, first: float, due: float, number: int) -> None:
    """Post a mail on another thread; after a 5xx or no answer try again, for three days."""
    parcel = _parcel(world, name, body, str(int(due)), number)

    def job() -> None:
        outcome = world.post.deliver(parcel)
        is_worth_it = (
            outcome.error
            or (outcome.status or 0) >= 500
            or (world.config.retry_4xx and 400 <= (outcome.status or 0) < 500)
        )
        again = due + FIRST_RETRY * 2 ** (number - 1)
        if is_worth_it and again - first <= RETRIED_FOR:
            world.agenda.at(again, lambda later: attempt(world, name, body, first, later, number + 1))

    world.post.enqueue(f"parse {name}", job)


def _parcel(world: World, name: str, body: bytes, stamp: str, number: int) -> Parcel:
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}", "User-Agent": "SendGrid Inbound Parse"}
    if world.config.parse_signed:
        headers |= {SIGNATURE: sign(stamp, body), TIMESTAMP: stamp}
    return Parcel(
        kind="parse",
        provider_id=name,
        url=world.config.parse_url or "",
        headers=headers,
        body=body,
        signature_kind="valid" if world.config.parse_signed else "none",
        attempt=number,
        read_seconds=30.0,
        note=f"at {time.time():.0f}",
    )
