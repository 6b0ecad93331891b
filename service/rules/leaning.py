"""Whether the words of a text are such as often stand in distress: a second net, that can only have a person read it.

Each word, and each two that stand together or one apart, weighs for or against it. The weights are in `leaning.txt`,
learnt by `python -m bench.weigh_words` from the sentences of the tests. No text leaves the machine.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from math import sqrt
from pathlib import Path

from service.rules.phrases import END, ENDINGS

WINDOW, STEP = 30, 15
"""Words weighed together: the sentences learnt from are no longer."""
FEWEST = 4
"""Of fewer known parts nothing is said."""
TO_READ = 0.6
"""How far a text must lean for a person to read it soon."""


def leaning(words: Sequence[str]) -> float:
    """How far the heaviest of the text's windows leans to distress; 0 or less: not at all."""
    return max(_of(words[at : at + WINDOW]) for at in range(0, max(1, len(words) - STEP), STEP))


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


def _of(words: Sequence[str]) -> float:
    known = [weight for part in parts_of(words) if (weight := _weights().get(part)) is not None]
    return sum(known) / sqrt(len(known)) if len(known) >= FEWEST else 0.0


@cache
def _weights() -> dict[str, float]:
    lines = Path(__file__).with_name("leaning.txt").read_text("utf-8").splitlines()
    rows = (line.split(maxsplit=1) for line in lines if line and not line.startswith("#"))
    return {part: int(weight) / 100 for weight, part in rows}
