"""Small pieces of HTML. Everything that comes from outside is escaped here."""

import re
from html import escape
from urllib.parse import urlencode
from zlib import crc32
from zoneinfo import ZoneInfo

from sandbox.clock import utc

LINK = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)]")
TONES = 6


def _icon(path: str) -> str:
    return (
        '<svg viewBox="0 0 24 24" width="18" height="18" fill="none" stroke="currentColor" stroke-width="2" '
        f'stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">{path}</svg>'
    )


LOCK = _icon('<rect x="5" y="11" width="14" height="9" rx="2"/><path d="M8 11V8a4 4 0 0 1 8 0v3"/>')
CALENDAR = _icon('<rect x="4" y="5" width="16" height="15" rx="2"/><path d="M4 10h16M9 3v4M15 3v4"/>')
FILE = _icon('<path d="M7 3h7l5 5v13H7z"/><path d="M14 3v5h5"/>')


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


def clock_time(moment: float, zone: ZoneInfo) -> str:
    return f"{utc(moment).astimezone(zone):%H:%M}"


def day(moment: float, zone: ZoneInfo) -> str:
    local = utc(moment).astimezone(zone)
    return f"{local:%A} {local.day} {local:%B}"


def short_day(moment: float, zone: ZoneInfo) -> str:
    local = utc(moment).astimezone(zone)
    return f"{local.day} {local:%b}"


def instant(moment: float, zone: ZoneInfo) -> str:
    return f'<time datetime="{utc(moment):%Y-%m-%dT%H:%M:%SZ}">{clock_time(moment, zone)}</time>'
