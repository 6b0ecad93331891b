"""Mails that members wrote, as SendGrid's Inbound Parse posts them: a form whose fields keep their mail's charset.

Flask would read them all as UTF-8 and lose what is not, so the raw body is read here.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage, Message
from email.parser import BytesParser, HeaderParser
from email.utils import parseaddr
from hashlib import sha256
from html.parser import HTMLParser

MARKS_OF_MACHINES = ("list-id", "x-autoreply", "x-autorespond", "x-auto-response-suppress")
PRECEDENCES = frozenset({"auto_reply", "bulk", "junk", "list"})
ATTRIBUTION = ("wrote:", "escribió:")
LONGEST_LINE = 1_000


@dataclass(frozen=True)
class InboundMail:
    """One mail. Its HTML and its attachments are dropped, except that HTML alone is read for its words."""

    provider_id: str
    """A hash of what was posted: the same mail again has the same."""
    address: str
    """Where it was sent from, by its envelope; "" if that is empty, as of a mail that reports a failure."""
    words: str
    """Without what it quotes, and where that is nothing its subject."""
    is_automatic: bool


def read_mail(body: bytes, content_type: str) -> InboundMail:
    """What cannot be read is left out."""
    fields = _fields(body, content_type)
    charsets = _json(fields.get("charsets", b""))
    plain = {name: _decoded(value, str(charsets.get(name, "utf-8"))) for name, value in fields.items()}
    headers, text = _headers_and_text(fields, plain)
    sender = _json(fields.get("envelope", b"")).get("from")
    address = parseaddr(plain.get("from", ""))[1] if sender is None else str(sender)
    return InboundMail(
        provider_id=sha256(body).hexdigest(),
        address=address.strip(),
        words=_without_quotes(text) or plain.get("subject", "").strip(),
        is_automatic=not address or _is_by_a_machine(headers),
    )


def _fields(body: bytes, content_type: str) -> dict[str, bytes]:
    """The parts of the form that are no files, by name."""
    form = BytesParser().parsebytes(b"Content-Type: " + content_type.encode("latin-1", "replace") + b"\r\n\r\n" + body)
    parts = form.get_payload()
    fields = {}
    for part in parts if isinstance(parts, list) else []:
        if not isinstance(part, Message):
            continue
        name = part.get_param("name", header="content-disposition")
        value = part.get_payload(decode=True)
        if isinstance(name, str) and part.get_filename() is None and isinstance(value, bytes):
            fields[name] = value
    return fields


def _headers_and_text(fields: Mapping[str, bytes], plain: Mapping[str, str]) -> tuple[Mapping[str, str], str]:
    if "email" not in fields:  # the usual form; with "Send Raw" the whole mail comes as one field
        text = plain["text"] if plain.get("text", "").strip() else _words_of_html(plain.get("html", ""))
        return _lower(HeaderParser().parsestr(plain.get("headers", ""))), text
    mail = message_from_bytes(fields["email"], policy=policy.default)
    return _lower(mail), _text_of(mail)


def _text_of(mail: EmailMessage) -> str:
    part = mail.get_body(("plain", "html"))
    if part is None:
        return ""
    raw = part.get_payload(decode=True)
    text = _decoded(raw, part.get_content_charset("utf-8")) if isinstance(raw, bytes) else ""
    return _words_of_html(text) if part.get_content_subtype() == "html" else text


def _is_by_a_machine(headers: Mapping[str, str]) -> bool:
    """RFC 3834, and what older mailboxes say. `Auto-Submitted: no` is a person."""
    submitted = headers.get("auto-submitted", "no").split(";")[0].split("(")[0].strip().lower()
    precedence = headers.get("precedence", "").strip().lower()
    return submitted != "no" or precedence in PRECEDENCES or any(mark in headers for mark in MARKS_OF_MACHINES)


def _without_quotes(text: str) -> str:
    """What the member wrote: up to the first line that is quoted, or that says who is."""
    kept = []
    for line in text.splitlines():
        start = line[:LONGEST_LINE].strip()
        if start.startswith((">", "-----Original Message")) or start.endswith(ATTRIBUTION):
            break
        kept.append(line)
    return "\n".join(kept).strip()


def _words_of_html(html: str) -> str:
    reader = _Words()
    reader.feed(html)
    return " ".join(" ".join(reader.found).split())


class _Words(HTMLParser):
    """Keeps the text between the tags; not that of styles and scripts, nor what is quoted."""

    UNREAD = frozenset({"style", "script", "title", "blockquote"})

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self.UNREAD:
            self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._inside and self._inside[-1] == tag:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if not self._inside:
            self.found.append(data)


def _decoded(value: bytes, charset: str) -> str:
    """By the charset it names; where that is unknown or wrong by UTF-8, and else byte by byte."""
    for name in (charset, "utf-8"):
        try:
            return value.decode(name)
        except (LookupError, ValueError):
            continue
    return value.decode("latin-1")


def _json(value: bytes) -> Mapping[str, object]:
    try:
        found = json.loads(value)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _lower(mail: Message) -> dict[str, str]:
    return {name.lower(): str(value) for name, value in mail.items()}
