"""What in a reply is distress that pages a person, what a person should read soon, and what is neither.

It finds phrases, nothing more: no diagnosis, no degree of risk. A negated or past mention is for review, never nothing.
Where there is no phrase at all, not even one of those that guard against false alarms, the words are weighed: that can
have a person read them soon, and calls nobody.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from pathlib import Path

from service.rules.leaning import TO_READ, leaning
from service.rules.phrases import Match, PhraseBook, words_of

CHUNK, OVERLAP = 200, 40
"""Words looked at together; the next ones begin with the last 40 of these, more than any phrase is long."""
CHUNKS = 16
"""Different chunks looked at in a long text, from both its ends: about 13,000 characters. More is for a person."""


class Level(StrEnum):
    NONE = "none"
    REVIEW = "review"
    CRISIS = "crisis"


class Category(StrEnum):
    """What a crisis is about, the most urgent first: the order decides which of two is answered."""

    MEDICAL = "medical"
    IMMEDIATE = "immediate"
    ABUSE = "abuse"
    SELF_HARM = "self_harm"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Finding:
    """What the scan found: how soon a person must read it, what it is about, and by which pattern."""

    level: Level
    category: Category | None = None
    by: str = ""
    """The pattern that matched, as staff may see it; never the member's words."""
    with_abuse: bool = False
    """Abuse is mentioned anywhere: the reply says nothing of it, for the one who does it may hold the phone."""
    is_read_by_others: bool = False
    """The member fears that somebody reads this phone: with an opt-out, nothing at all is answered."""


NOTHING = Finding(Level.NONE)
CRASHED = Finding(Level.CRISIS, Category.UNKNOWN, "the scan failed")
"""What the flow puts in place of a scan that raised: it pages, and answers nothing."""

BY_WEIGHT = "words that often stand in such texts"


def scan(text: str) -> Finding:
    """The most urgent that the text holds. Reads the raw text, before anything else does; long texts from both ends."""
    chunks = list(dict.fromkeys(_chunks(words_of(text))))
    nearest_an_end = sorted(range(len(chunks)), key=lambda n: min(n, len(chunks) - 1 - n))
    read = [list(chunks[n]) for n in nearest_an_end[:CHUNKS]]
    matches = [_book().find(words) for words in read]
    found = [match for some in matches for match in _not_covered(some)]
    if not found and len(chunks) > CHUNKS:
        return Finding(Level.REVIEW, None, "longer than what is scanned")
    return _finding(found) if any(matches) else _weighed(read)


def _chunks(words: list[str]) -> Iterator[tuple[str, ...]]:
    for begin in range(0, max(1, len(words) - OVERLAP), CHUNK - OVERLAP):
        yield tuple(words[begin : begin + CHUNK])


def _weighed(read: Collection[list[str]]) -> Finding:
    """What is known of words in which no pattern was found. Weights call nobody: many a reflection weighs heavy."""
    return Finding(Level.REVIEW, None, BY_WEIGHT) if max(map(leaning, read)) > TO_READ else NOTHING


def _not_covered(matches: list[Match]) -> list[Match]:
    """Every match that no false friend covers, those that are negated or past labelled for review."""
    crises, others = _split(matches)
    covers = [match for match in others if match.label == "false friend"]
    softened = [match for match in others if match.label == "softened"]
    kept = [match for match in crises if not _is_within_any(match, covers)]
    return [replace(match, label="review") if _ends_in_any(match, softened) else match for match in kept]


def _split(matches: list[Match]) -> tuple[list[Match], list[Match]]:
    guards = ("false friend", "softened")
    return [m for m in matches if m.label not in guards], [m for m in matches if m.label in guards]


def _is_within_any(match: Match, covers: Collection[Match]) -> bool:
    return any(match.within(cover) or match.explained_by(cover) for cover in covers)


def _ends_in_any(match: Match, covers: Collection[Match]) -> bool:
    """What is negated or past may begin before the word that says so: "my dad used to hit us"."""
    return any(cover.begin <= match.last <= cover.end or match.explained_by(cover) for cover in covers)


def _finding(found: Collection[Match]) -> Finding:
    by_label = {match.label: match.pattern for match in reversed(list(found))}
    is_read = "reader" in by_label
    for category in Category:
        if category in by_label:
            with_abuse = Category.ABUSE in by_label
            return Finding(Level.CRISIS, category, by_label[category], with_abuse, is_read)
    if "review" in by_label:
        return Finding(Level.REVIEW, None, by_label["review"], is_read_by_others=is_read)
    return Finding(Level.NONE, is_read_by_others=is_read)


@cache
def _book() -> PhraseBook:
    return PhraseBook(
        *(Path(__file__).with_name(name).read_text("utf-8") for name in ("distress_en.txt", "distress_es.txt"))
    )
