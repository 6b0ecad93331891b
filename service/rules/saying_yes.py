"""A yes in whatever words, to the question for consent: only START counts as one there."""

import re

from service.rules.phrases import fold
from service.rules.spelling import word_set
from service.rules.understanding import Meaning, Prompt, understand

AGREES = word_set("agree agreed accept acepto") | {"i agree", "yes i agree", "i accept", "de acuerdo", "si acepto"}
"""The question says "reply START to agree"."""
LONGEST = 40
"""Characters: who writes more has something to say."""


def says_yes(text: str) -> bool:
    if len(text) > LONGEST:
        return False
    words = " ".join(re.findall(r"[a-z0-9]+", fold(text)))
    return words in AGREES or understand(text, [Prompt.REMINDER]).meaning is Meaning.COMING
