"""Finding phrases in what people type: their words in one spelling, and patterns of words with slots.

A pattern is words that follow one another: `wanna|gonna ~2 die|dying`. `a|b` is either; `stem*` any word that begins
so; `@class` a named list of words; `word?` may be missing; `~2` up to two words of any kind, within the
sentence, `~~2` also beyond its end. `this &2 that` is `this ~2 that` and `that ~2 this`; `&&2` beyond an end too.
`.` is the end of a sentence, `^` and `$` are the beginning and the end of the text.

A table is a text: `[label]` above the patterns with that label, `[class name]` above the words of a class, `[common]`
above words too common to begin the search with, `#` before a remark.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from service.rules.spelling import FILLERS, LETTERS, PAIRS, SPELLINGS

END = "."
"""Stands for the end of a sentence among the words; no gap reaches across it."""
START, FINISH = "^", "$"
ENDINGS = frozenset({END, START, FINISH})

ALIKE = str.maketrans(
    dict(zip("авекмнорстухіјѕѵԁԛԝαβεζηικμνορτυχ", "abekmhopctyxijsvdqwabezhikmvoptux", strict=True))
    | dict.fromkeys(range(0x0300, 0x0370), "")
    | dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\ufeff*"), "")
    | dict.fromkeys("'’‘ʼ`´", "")
)
REPEATED = re.compile(r"([a-z])\1\1+")
SPREAD = re.compile(r"(?<![a-z0-9])[a-z](?:[ .*_-][a-z]){2,}(?![a-z0-9])")
"""A word with its letters apart: "d i e", "k.m.s"."""
BANG = re.compile(r"(?<=[a-z])!(?=[a-z])")
SHORTENED = re.compile(r"(?<=[a-z])['’‘ʼ`´](ll|re|d)\b", re.IGNORECASE)
WORD = re.compile(r"[a-z0-9@$]+|[.!?;\n]+|…")
EITHER_ORDER = re.compile(r"(.+) (&{1,2}\d+) (.+)")
LONGEST_WORD = 30
NUMBERS = {"number": " ".join(map(str, range(1, 1000))), "several": " ".join(map(str, range(6, 400)))}


def fold(text: str) -> str:
    """The text in small plain letters: no accents, apostrophes or invisible marks, look-alikes as Latin letters."""
    text = unicodedata.normalize("NFKC", text).casefold()
    if not text.isascii():
        text = unicodedata.normalize("NFD", text)
    return text.translate(ALIKE)


def words_of(text: str) -> list[str]:
    """The words of a text in one spelling, "I do not want to" as "i dont wanna"; fillers left out, "." at its stops."""
    found = [_spelt(word) for word in WORD.findall(_close_together(fold(SHORTENED.sub(_lengthened, text))))]
    spelt = [part for words in found for part in words]
    return [START, *_paired(spelt), FINISH]


def _close_together(folded: str) -> str:
    """Letters that were repeated or spread, and marks between letters, undone."""
    together = SPREAD.sub(lambda spread: "".join(filter(str.isalpha, spread[0])), BANG.sub("i", folded))
    return REPEATED.sub(r"\1", together)


def _lengthened(shortened: re.Match[str]) -> str:
    """we'll, we're, we'd: without the apostrophe they would be other words."""
    return {"ll": " will", "re": " are", "d": " would"}[shortened[1].lower()]


def _spelt(word: str) -> tuple[str, ...]:
    if not word[0].isalnum() and word[0] not in "@$":
        return () if word in ("…",) or word.startswith("..") else (END,)
    known = SPELLINGS.get(word)
    if known is not None:
        return known
    if len(word) > 2 and not word.isalpha() and not word.isdigit():
        plain = word.translate(LETTERS)
        return SPELLINGS.get(plain, (plain,)) if plain.isalpha() else (word[:LONGEST_WORD],)
    return (word[:LONGEST_WORD],)


def _paired(words: list[str]) -> Iterator[str]:
    """Pairs that are one word elsewhere joined, fillers left out."""
    kept = [word for word in words if word not in FILLERS]
    at = 0
    while at < len(kept):
        joined = PAIRS.get((kept[at], kept[at + 1])) if at + 1 < len(kept) else None
        yield joined or kept[at]
        at += 2 if joined else 1


@dataclass(frozen=True)
class Gap:
    """How many other words may stand before a slot, and whether they may belong to another sentence."""

    words: int = 0
    crosses: bool = False


NO_GAP = Gap()


@dataclass(frozen=True)
class Slot:
    """One place of a pattern: the words that fill it, and how many others may stand before it."""

    words: frozenset[str]
    stems: tuple[str, ...]
    gap: Gap

    def takes(self, word: str) -> bool:
        return word in self.words or word.startswith(self.stems)


@dataclass(frozen=True)
class Match:
    """A pattern found: its label, and the places of its first and last word, the nearest and the widest."""

    label: str
    pattern: str
    first: int
    last: int
    begin: int
    end: int
    anchor: int
    """The place of its rarest word."""
    slots: "tuple[Slot, ...]" = field(repr=False)
    word: str = field(repr=False)

    def within(self, other: "Match") -> bool:
        """Whether the other one covers it, read as widely as it can be."""
        return other.begin <= self.first and self.last <= other.end

    def explained_by(self, other: "Match") -> bool:
        """Whether its rarest word is one of those that the other one is made of."""
        return other.first <= self.anchor <= other.last and any(slot.takes(self.word) for slot in other.slots)

    def meets(self, other: "Match") -> bool:
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True)
class Phrase:
    label: str
    pattern: str
    slots: tuple[Slot, ...]
    anchor: int
    """The slot that is looked for first: the one with the rarest words."""

    def at(self, words: list[str], place: int) -> Match | None:
        """The phrase with its anchor at `place`, if it is there."""
        first = last = {place}
        for slot, gap in zip(self.slots[: self.anchor][::-1], self._gaps_back(), strict=True):
            first = _reached(words, first, slot, gap, step=-1)
        for slot in self.slots[self.anchor + 1 :] if first else ():
            last = _reached(words, last, slot, slot.gap, step=1)
        if not first or not last:
            return None
        reach = max(first), min(last), min(first), max(last)
        return Match(self.label, self.pattern, *reach, place, self.slots, words[place])

    def _gaps_back(self) -> list[Gap]:
        return [slot.gap for slot in self.slots[1 : self.anchor + 1][::-1]]


def _reached(words: list[str], places: set[int], slot: Slot, gap: Gap, step: int) -> set[int]:
    """Where `slot` is filled, no further from one of the places than the gap is wide."""
    found = set()
    for place in places:
        for there in range(place + step, place + step * (gap.words + 2), step):
            if not 0 <= there < len(words):
                break
            if slot.takes(words[there]):
                found.add(there)
            if words[there] in ENDINGS and not gap.crosses:
                break
    return found


def sections(table: str) -> list[tuple[str, list[str]]]:
    """The labels of a table, each with its lines."""
    found: list[tuple[str, list[str]]] = []
    for line in filter(None, map(str.strip, table.splitlines())):
        if line.startswith("["):
            found.append((line.strip("[]"), []))
        elif not line.startswith("#"):
            found[-1][1].append(line)
    return found


class PhraseBook:
    """Phrases by label, found in the time it takes to read the words once."""

    def __init__(self, *tables: str) -> None:
        parts = [part for table in tables for part in sections(table)]
        classes = {name.removeprefix("class "): " ".join(lines) for name, lines in parts if name.startswith("class ")}
        common = frozenset(word for name, lines in parts if name == "common" for word in " ".join(lines).split())
        self._by_word: dict[str, list[Phrase]] = {}
        self._by_stem: dict[str, list[Phrase]] = {}
        for label, lines in parts:
            if label != "common" and not label.startswith("class "):
                for line in lines:
                    self._add_all(_phrases(label, line, {**NUMBERS, **classes}, common))

    def find(self, words: list[str]) -> list[Match]:
        """Every match, shortest way each, in the order of the text."""
        tries = ((place, phrase) for place, word in enumerate(words) for phrase in self.starting(word))
        return [match for place, phrase in tries if (match := phrase.at(words, place))]

    def starting(self, word: str) -> list[Phrase]:
        """The phrases worth trying where this word stands."""
        return self._by_word.get(word, []) + [
            phrase for phrase in self._by_stem.get(word[:4], []) if phrase.slots[phrase.anchor].takes(word)
        ]

    def _add_all(self, phrases: Iterable[Phrase]) -> None:
        for phrase in phrases:
            slot = phrase.slots[phrase.anchor]
            for word in slot.words:
                self._by_word.setdefault(word, []).append(phrase)
            for stem in slot.stems:
                self._by_stem.setdefault(stem[:4], []).append(phrase)


def _phrases(label: str, line: str, classes: Mapping[str, str], common: frozenset[str]) -> Iterator[Phrase]:
    for slots in (slots for order in _orders(line) for slots in _slots(order.split(), classes)):
        anchor = min(range(len(slots)), key=lambda n: (_commonness(slots[n], common), len(slots[n].words)))
        yield Phrase(label, line, slots, anchor)


def _orders(line: str) -> list[str]:
    """The pattern with its two sides in this and the other order, if `&` stands between them."""
    both = EITHER_ORDER.fullmatch(line)
    if not both:
        return [line]
    one, gap, other = both[1], both[2].replace("&", "~"), both[3]
    return [f"{one} {gap} {other}", f"{other} {gap} {one}"]


def _commonness(slot: Slot, common: frozenset[str]) -> int:
    return len(slot.words & common)


def _slots(parts: list[str], classes: Mapping[str, str], gap: Gap = NO_GAP) -> list[tuple[Slot, ...]]:
    """The slots of a pattern, once with and once without each word that may be missing."""
    if not parts:
        return [()]
    head, rest = parts[0], parts[1:]
    if head.startswith("~"):
        return _slots(rest, classes, Gap(int(head.strip("~")), crosses=head.startswith("~~")))
    slot = _slot(head.rstrip("?"), classes, gap)
    filled = [(slot, *slots) for slots in _slots(rest, classes)]
    return filled + _slots(rest, classes, gap) if head.endswith("?") else filled


def _slot(part: str, classes: Mapping[str, str], gap: Gap) -> Slot:
    names = [_as_read(name) for part in part.split("|") for name in _members(part, classes)]
    stems = tuple(name[:-1] for name in names if name.endswith("*"))
    if short := [stem for stem in stems if len(stem) < 4]:
        raise ValueError(f"a stem has 4 letters or more: {short}")
    return Slot(frozenset(name for name in names if not name.endswith("*")), stems, gap)


def _as_read(name: str) -> str:
    """A pattern's word in the one spelling that a text's words have; of "havent", which are two there, the "not"."""
    spelt = tuple(_paired(list(SPELLINGS.get(name, (name,)))))
    return spelt[0] if len(spelt) == 1 else ("not" if spelt[-1:] == ("not",) else name)


def _members(name: str, classes: Mapping[str, str]) -> list[str]:
    if not name.startswith("@"):
        return [name]
    return [member for word in classes[name[1:]].split() for member in _members(word, classes)]
