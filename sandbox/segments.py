"""How a text is cut into segments: the sandbox's own count."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

GSM7_SINGLE, GSM7_JOINED = 160, 153
UCS2_SINGLE, UCS2_JOINED = 70, 67


@dataclass(frozen=True)
class Size:
    """How a text travels."""

    encoding: str
    segments: int
    units: int
    """Septets of GSM-7, or 16-bit words of UCS-2."""


def measure(text: str) -> Size:
    basic, extension, _ = _tables()
    if all(letter in basic or letter in extension for letter in text):
        costs = [2 if letter in extension else 1 for letter in text]
        return _cut("GSM-7", costs, GSM7_SINGLE, GSM7_JOINED)
    costs = [2 if ord(letter) > 0xFFFF else 1 for letter in text]
    return _cut("UCS-2", costs, UCS2_SINGLE, UCS2_JOINED)


def smart(text: str) -> str:
    """The text with look-alike characters replaced, as with Twilio's SmartEncoded."""
    replacements = _tables()[2]
    return "".join(replacements.get(letter, letter) for letter in text)


def _cut(encoding: str, costs: list[int], single: int, joined: int) -> Size:
    """A character is never split over two segments."""
    total = sum(costs)
    if total <= single:
        return Size(encoding, 1, total)
    segments, room = 0, 0
    for cost in costs:
        if cost > room:
            segments, room = segments + 1, joined
        room -= cost
    return Size(encoding, segments, total)


@cache
def _tables() -> tuple[frozenset[str], frozenset[str], dict[str, str]]:
    tables = json.loads((Path(__file__).parent / "gsm7.json").read_text(encoding="utf-8"))
    return frozenset(tables["gsm7_basic"]), frozenset(tables["gsm7_extension"]), tables["smart_encoding"]
