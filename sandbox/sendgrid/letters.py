"""A mail from a person, and the bytes in which Inbound Parse would post it."""

import email.message
import email.policy
import json
from dataclasses import dataclass, field
from email.utils import format_datetime

from sandbox.clock import utc

BOUNDARY = "xYzZY"
Fields = list[tuple[str, bytes]]
Files = list[tuple[str, str, str, bytes]]
"""Of each file: its field, its name, its type, its bytes."""


@dataclass(frozen=True)
class Letter:
    """A mail from a person."""

    sender: str
    to: str
    subject: str = ""
    text: str | None = None
    html: str | None = None
    sender_name: str = ""
    cc: str = ""
    charset: str = "utf-8"
    headers: dict[str, str] = field(default_factory=dict)
    envelope_from: str | None = None
    dkim: str = ""
    spf: str = "pass"
    spam_score: str = ""
    attachments: tuple[tuple[str, str, bytes], ...] = ()
    """Of each: file name, type, bytes."""
    raw_mode: bool = False

    @property
    def shown_sender(self) -> str:
        return f"{self.sender_name} <{self.sender}>" if self.sender_name else self.sender


def body(letter: Letter, message_id: str, moment: float) -> bytes:
    """The form, its fields in the order in which SendGrid has them."""
    if letter.raw_mode:
        return multipart(_raw(letter, message_id, moment))
    files = [(f"attachment{n + 1}", *one) for n, one in enumerate(letter.attachments)]
    return multipart(fields(letter, message_id, moment), files)


def fields(letter: Letter, message_id: str, moment: float) -> Fields:
    spam = [("spam_report", b"Spam detection software has looked at this email.")] if letter.spam_score else []
    score = [("spam_score", letter.spam_score.encode())] if letter.spam_score else []
    return [
        ("headers", _headers(letter, message_id, moment).encode()),
        ("dkim", _dkim(letter)),
        ("to", letter.to.encode()),
        *([("cc", letter.cc.encode())] if letter.cc else []),
        *_part(letter, "html", letter.html),
        ("from", letter.shown_sender.encode()),
        *_part(letter, "text", letter.text),
        ("sender_ip", b"209.85.223.169"),
        *spam,
        ("envelope", _envelope(letter)),
        ("attachments", str(len(letter.attachments)).encode()),
        ("subject", letter.subject.encode()),
        *score,
        ("charsets", _charsets(letter)),
        ("SPF", letter.spf.encode()),
        *_file_list(letter),
    ]


def _raw(letter: Letter, message_id: str, moment: float) -> Fields:
    """Send Raw: the whole mail in one field."""
    mail = email.message.EmailMessage(email.policy.SMTP)
    for name, value in _header_lines(letter, message_id, moment).items():
        mail[name] = value
    mail.set_content(letter.text or "")
    for filename, kind, content in letter.attachments:
        major, _, minor = kind.partition("/")
        mail.add_attachment(content, maintype=major, subtype=minor, filename=filename)
    return [
        ("dkim", _dkim(letter)),
        ("email", mail.as_bytes()),
        ("to", letter.to.encode()),
        ("from", letter.shown_sender.encode()),
        ("sender_ip", b"209.85.223.169"),
        ("envelope", _envelope(letter)),
        ("subject", letter.subject.encode()),
        ("charsets", b'{"to":"UTF-8","from":"UTF-8","subject":"UTF-8"}'),
        ("SPF", letter.spf.encode()),
    ]


def _headers(letter: Letter, message_id: str, moment: float) -> str:
    lines = _header_lines(letter, message_id, moment)
    return "".join(f"{name}: {value}\n" for name, value in lines.items())


def _header_lines(letter: Letter, message_id: str, moment: float) -> dict[str, str]:
    date = format_datetime(utc(moment))
    return {
        "Received": f"by recvd-68b7d8 with SMTP id 6WCVv7KAWn {date} (UTC)",
        "MIME-Version": "1.0",
        "From": letter.shown_sender,
        "Date": date,
        "Message-ID": message_id,
        "Subject": letter.subject,
        "To": letter.to,
        **letter.headers,
    }


def _part(letter: Letter, name: str, value: str | None) -> Fields:
    return [] if value is None else [(name, _encoded(value, letter.charset))]


def _encoded(text: str, charset: str) -> bytes:
    try:
        return text.encode(charset, "replace")
    except LookupError:
        return text.encode()


def _dkim(letter: Letter) -> bytes:
    return (letter.dkim or f"{{@{letter.sender.partition('@')[2]} : pass}}").encode()


def _envelope(letter: Letter) -> bytes:
    sender = letter.sender if letter.envelope_from is None else letter.envelope_from
    return json.dumps({"to": [letter.to], "from": sender}, separators=(",", ":")).encode()


def _charsets(letter: Letter) -> bytes:
    told = {"to": "UTF-8", "from": "UTF-8", "subject": "UTF-8"}
    told |= {
        name: letter.charset for name, value in (("text", letter.text), ("html", letter.html)) if value is not None
    }
    return json.dumps(told, separators=(",", ":")).encode()


def _file_list(letter: Letter) -> Fields:
    if not letter.attachments:
        return []
    info = {
        f"attachment{n + 1}": {"filename": name, "name": name, "type": kind}
        for n, (name, kind, _) in enumerate(letter.attachments)
    }
    return [("attachment-info", json.dumps(info, separators=(",", ":")).encode())]


def multipart(found: Fields, files: Files | None = None) -> bytes:
    """Bytes of a form."""
    parts = [_piece(f'name="{name}"', value) for name, value in found]
    for name, filename, kind, content in files or []:
        parts.append(_piece(f'name="{name}"; filename="{filename}"\r\nContent-Type: {kind}', content))
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def _piece(what: str, content: bytes) -> bytes:
    return f"--{BOUNDARY}\r\nContent-Disposition: form-data; {what}\r\n\r\n".encode() + content + b"\r\n"
