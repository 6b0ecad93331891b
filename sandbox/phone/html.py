"""Small pieces of HTML. Everything that comes from outside is escaped here."""

import re
from html import escape
from urllib.parse import urlencode
from zlib import crc32

from sandbox.clock import utc

LINK = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)]")
TONES = 6


def words(text: str) -> str:
    """Escaped, with line breaks kept by the style sheet, and links one can follow."""
    pieces, end = [], 0
    for found in LINK.finditer(text):
        href = escape(found.group(), quote=True)
        pieces.append(escape(text[end : found.start()]))
        pieces.append(f'<a href="{href}" target="_blank" rel="noreferrer noopener">{href}</a>')
        end = found.end()
    return "".join(pieces) + escape(text[end:])


def attribute(text: str) -> str:
    return escape(text, quote=True)


def href(**args: str) -> str:
    return attribute("/?" + urlencode(args)) if args else "/"


def name_of(person: str, others: frozenset[str] = frozenset()) -> str:
    """`Phone ending 43`; four digits when two people share the two. A mailbox goes by its address."""
    if "@" in person:
        return person
    is_shared = any(other != person and other[-2:] == person[-2:] for other in others if "@" not in other)
    return f"Phone ending {person[-4:] if is_shared else person[-2:]}"


def avatar(person: str) -> str:
    tone = crc32(person.encode()) % TONES
    label = person[0].upper() if "@" in person else person[-2:]
    return f'<span class="avatar tone-{tone}" aria-hidden="true">{escape(label)}</span>'


def clock_time(moment: float) -> str:
    return f"{utc(moment):%H:%M}"


def day(moment: float) -> str:
    return f"{utc(moment):%A} {utc(moment).day} {utc(moment):%B}"


def instant(moment: float) -> str:
    return f'<time datetime="{utc(moment):%Y-%m-%dT%H:%M:%SZ}">{clock_time(moment)}</time>'
