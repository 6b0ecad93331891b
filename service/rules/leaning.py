"""What a short text leans to by the words in it, where no pattern was found: a second net, that can only add a page.

Each word, and each two that stand together or one apart, weighs for or against the four kinds of distress. The
weights are in `leaning.txt`, learnt by `python -m bench.weigh_words` from the sentences of the tests. No text leaves
the machine.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from math import sqrt
from pathlib import Path

from service.rules.phrases import END, ENDINGS

KINDS = ("immediate", "self_harm", "abuse", "medical")
WINDOW, STEP = 30, 15
"""Words weighed together: the sentences learnt from are no longer."""
FEWEST = 4
"""Of fewer known words nothing is said."""
PAGES, TO_READ = 0.7, 0.35
"""How far a text must lean for a person to be called, and to read it soon."""


@dataclass(frozen=True)
class Leaning:
    """To which kind of distress, and how far: below 0 a text rather speaks of something else."""

    kind: str
    weight: float


def leaning(words: Sequence[str]) -> Leaning | None:
    """The heaviest of the text's windows, or None of a text too short to say."""
    found = [_of(words[at : at + WINDOW]) for at in range(0, max(1, len(words) - STEP), STEP)]
    return max((one for one in found if one), key=lambda one: one.weight, default=None)


def parts_of(words: Sequence[str]) -> set[str]:
    """What is weighed: words, neighbours, and words with one between them, in no order."""
    return set(_parts([word for word in words if word not in ENDINGS or word == END]))


def _parts(words: list[str]) -> Iterator[str]:
    for at, word in enumerate(words):
        if word != END:
            yield word
        for gap, sign in ((1, " "), (2, " _ ")):
            if at + gap < len(words):
                yield word + sign + words[at + gap]


def _of(words: Sequence[str]) -> Leaning | None:
    known = [weights for part in parts_of(words) if (weights := _weights().get(part))]
    if len(known) < FEWEST:
        return None
    sums = [sum(column) / sqrt(len(known)) for column in zip(*known, strict=True)]
    best = max(range(len(KINDS)), key=sums.__getitem__)
    return Leaning(KINDS[best], sums[best])


@cache
def _weights() -> dict[str, tuple[float, ...]]:
    lines = Path(__file__).with_name("leaning.txt").read_text("utf-8").splitlines()
    rows = (line.split(maxsplit=len(KINDS)) for line in lines if line and not line.startswith("#"))
    return {row[-1]: tuple(int(weight) / 100 for weight in row[:-1]) for row in rows}
