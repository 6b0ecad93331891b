"""The fields of a text that staff may edit: which there are, what is no field, and what must stay."""

import re
from collections.abc import Collection

FIELD = re.compile(r"\{([a-z_]{1,20})\}")
KEPT = ("sender", "crisis", "crisis_short", "danger")
"""Who writes, and whom to call: what a text of ours says of these, staff's own says too."""


def unknown(text: str, known: Collection[str]) -> list[str]:
    """What stands in braces and is no field, and every brace that stands alone."""
    left = FIELD.sub(lambda match: "" if match[1] in known else match[0], text)
    return list(dict.fromkeys(re.findall(r"\{[^{}]*\}|[{}]", left)))


def named(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(FIELD.findall(text)))


def missing(text: str, ours: str) -> list[str]:
    """What our own text holds for the reader's safety and this one does not: fields to name, and the word STOP."""
    fields = [f"{{{name}}}" for name in named(ours) if name in KEPT and name not in named(text)]
    says_stop = re.search(r"\bSTOP\b", ours) is not None and re.search(r"\bSTOP\b", text) is None
    return fields + (["STOP"] if says_stop else [])
