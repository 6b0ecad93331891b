"""What may not be said: on a lock screen, as a promise, as an advertisement, with words that belong to the carrier.

Staff's own words pass through here when saved, and every text again when it is filled in: a group that is called
"Grief" must not come out of a blank.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from service.rules.phrases import PhraseBook, fold, sections, words_of
from service.rules.segments import SINGLE, Encoding, count

MONEY = re.compile(r"[$€£]\s?\d[\d.,]*|\b\d[\d.,]*\s?(?:€|£|%\s?off|dollars|euros|dolares)", re.IGNORECASE)
OPENLY = frozenset({"group", "groups", "grupo", "grupos"})
TYPED = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


class Kind(StrEnum):
    """What is wrong with the words."""

    REVEALS = "reveals"
    NAMES = "names"
    PROMISE = "promise"
    MARKETING = "marketing"
    CARRIER_WORD = "carrier word"


ADVICE = {
    Kind.REVEALS: "“{}” tells whoever sees the screen what this is about. Say “appointment”, or leave it out.",
    Kind.NAMES: "“{}” is the name of a person or a group, and others may see the screen. Leave it out.",
    Kind.PROMISE: "“{}” promises what nobody may be there to keep. Say that texts are not watched, and whom to call.",
    Kind.MARKETING: "“{}” reads as an advertisement, which nobody here has agreed to. Take it out.",
    Kind.CARRIER_WORD: "“{}” would opt people out or in at the carrier. Ask for C, X or a number instead.",
}


@dataclass(frozen=True)
class Problem:
    """Words that may not stand in a text, and why."""

    kind: Kind
    words: str

    @property
    def advice(self) -> str:
        """What to do about it, for the person who wrote the words."""
        return ADVICE[self.kind].format(self.words)


def problems(text: str, names: Collection[str] = (), *, in_detail: bool = False) -> list[Problem]:
    """All that may not be said in a discreet text, each once. `names` are of groups, staff and other members.

    `in_detail`: for readers who chose to have their group named it may be called a group, and still not what for.
    """
    allowed = OPENLY if in_detail else frozenset()
    found = [*_revealing(text, allowed), *_named(text, names), *_phrases(text), *_priced(text)]
    return list(dict.fromkeys(found))


def why_discreet(text: str, place: str, staff_name: str) -> str:
    """Why a text with the group's name and place cannot go out, for staff to read; "" where it can."""
    size = count(text)
    if not place:
        return "The group has no place to be named."
    if size.encoding is not Encoding.GSM7:
        return "The name for outside or the place holds a letter that would double the price of each text."
    if size.segments > 1:
        over = size.units - SINGLE[size.encoding]
        return f"Shorten the name for outside or the place: the text is {over} characters too long for one part."
    found = problems(text, [staff_name], in_detail=True)
    return found[0].advice if found else ""


def promises(text: str) -> list[Problem]:
    """What may not be said in any text, even where the member chose detailed ones."""
    return [problem for problem in problems(text) if problem.kind is not Kind.REVEALS]


def _revealing(text: str, allowed: Collection[str]) -> Iterator[Problem]:
    for match in TYPED.finditer(text):
        parts = {fold(part) for part in (*re.split("['’-]", match[0]), match[0].replace("-", ""))}
        if any(part.startswith(_stems()) for part in parts.difference(allowed)):
            yield Problem(Kind.REVEALS, match[0])


def _named(text: str, names: Collection[str]) -> Iterator[Problem]:
    said = f" {_plain(text)} "
    for name in names:
        if (plain := _plain(name)) and f" {plain} " in said:
            yield Problem(Kind.NAMES, name.strip())


def _plain(text: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", fold(text)))


def _phrases(text: str) -> Iterator[Problem]:
    words = words_of(text)
    for match in _book().find(words):
        yield Problem(Kind(match.label), " ".join(words[match.first : match.last + 1]).strip(" .^$"))


def _priced(text: str) -> Iterator[Problem]:
    return (Problem(Kind.MARKETING, match[0]) for match in MONEY.finditer(text))


@cache
def _table() -> str:
    return Path(__file__).with_name("wording.txt").read_text("utf-8")


@cache
def _stems() -> tuple[str, ...]:
    return tuple(word for name, lines in sections(_table()) if name == "reveals" for word in " ".join(lines).split())


@cache
def _book() -> PhraseBook:
    return PhraseBook(_table().partition("[promise]")[1] + _table().partition("[promise]")[2])
