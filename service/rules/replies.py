"""Signs and numbers in replies: thumbs, tapbacks of other phones, and a score from 0 to 10."""

import re
import unicodedata
from decimal import Decimal

from service.rules.phrases import fold
from service.rules.spelling import word_set

SIGNS = frozenset({"So", "Sk", "Mn", "Me", "Cf", "Zs", "Cn", "Cc"})
"""Kinds of characters that say no words."""
NOD = frozenset("👍✅👌🆗✔☑")
SHAKE = frozenset("👎❌🚫✖")

TAPBACKS = (
    *("liked", "loved", "laughed at", "emphasized", "disliked", "questioned", "emphasised"),
    *("removed a like from", "removed a heart from", "removed a laugh from", "removed an exclamation from"),
    *("removed a dislike from", "removed a question mark from", "removed an exclamation mark from"),
    *("le gusto", "le encanto", "le dio risa", "se rio de", "no le gusto", "destaco", "exclamo por", "pregunto por"),
)
QUOTES = "\"“”«»'‘„"
MACHINES = (
    *(
        "[auto-reply]",
        "auto-reply",
        "auto reply",
        "autoreply",
        "automatic reply",
        "automated reply",
        "automated response",
    ),
    *("automatic response", "this is an automated", "out of office", "i am out of the office", "im out of the office"),
    *("im driving", "i am driving right now", "im currently driving", "sent from my car", "im driving with"),
    *(
        "respuesta automatica",
        "estoy conduciendo",
        "estoy manejando",
        "fuera de la oficina",
        "message blocking is active",
    ),
)

NUMBER = re.compile(
    r"(?<![\w.,:/-])(-?\d{1,4}(?:[.,]\d{1,2})?)"
    r"(?:\s{0,3}(?:/|out of|de|sobre|of)\s{0,3}(?:10|ten|diez))?"
    r"(?![\w/:%]|[.,-]\d)"
)
WORDED = {
    word: n
    for n, words in enumerate(
        (
            *("zero cero", "one uno", "two dos", "three tres", "four cuatro", "five cinco"),
            *("six seis", "seven siete", "eight ocho", "nine nueve", "ten diez"),
        )
    )
    for word in words.split()
}
LEAD_IN = word_set(
    "a an about around maybe like at im i am say id is was its it my solid probably today score feeling definitely "
    "still hey hi hmm well number un una como hoy es estoy en diria seria fue mas o menos casi creo que"
)
LEAD_TO_THE_LAST = word_set("a an un una say is was es fue like about feeling diria")
UNITS = re.compile(
    r"\s*-?(?:days?|weeks?|months?|years?|hours?|hrs?|minutes?|mins?|am|pm|oclock|kms?|miles?|times?|people|sessions?|kids?"
    r"|dias?|semanas?|meses|anos?|horas?|minutos?|veces|personas|more|or|o|to|a|y|and|st|nd|rd|th|percent|dollars)\b"
)


def is_automatic(text: str) -> bool:
    """Whether a phone or a mailbox wrote this by itself: a tapback that quotes our text, or an auto-reply."""
    start = unicodedata.normalize("NFKC", text[:120]).strip()
    said = fold(start)
    if any(said.startswith(machine) for machine in MACHINES):
        return True
    quoted = min((start.find(quote) for quote in QUOTES if quote in start), default=-1)
    if quoted < 0:
        return False
    before = fold(start[:quoted]).strip()
    return before in TAPBACKS or (
        before.startswith(("reacted ", "reacciono ")) or (before.endswith(" to") and len(before) <= 6)
    )


def is_only_signs(text: str) -> bool:
    """Only emoji, which answer nothing unless something was asked. A question mark is a question."""
    return bool(text.strip()) and all(unicodedata.category(char) in SIGNS for char in text.strip())


def score_of(text: str) -> Decimal | None:
    """The one number from 0 to 10 that the text gives as a score; None if there is none, or more than one.

    It stands first ("7 better today"), alone ("about a six"), or last after a word that leads to it ("hoy un 8").
    """
    said = fold(text)
    if said.strip(" .!?,\n") in WORDED:
        return Decimal(WORDED[said.strip(" .!?,\n")])
    numbers = list(NUMBER.finditer(said))
    if not numbers:
        return _worded(said)
    before, after = said[: numbers[0].start()].split(), said[numbers[0].end() :]
    words = [word.strip(".,!:;-") for word in before]
    leads = all(word in LEAD_IN for word in words) or (words[-1] in LEAD_TO_THE_LAST and not after.strip(" .!,\n"))
    if len(numbers) > 1 or not leads or UNITS.match(after):
        return None
    score = Decimal(numbers[0][1].replace(",", "."))
    return score if 0 <= score <= 10 else None


def is_only_a_score(text: str) -> bool:
    """Whether nothing is said beside the number: "about a 6", "7 out of 10", "hoy un 8"."""
    said = NUMBER.sub(" ", fold(text)).replace("out of ten", "").replace("de diez", "")
    return all(word in LEAD_IN or word in WORDED for word in re.findall(r"[a-z]+", said))


def _worded(said: str) -> Decimal | None:
    words = re.findall(r"[a-z]+", said.replace("out of ten", "").replace("de diez", ""))
    scores = [WORDED[word] for word in words if word in WORDED]
    rest = [word for word in words if word not in WORDED]
    return Decimal(scores[0]) if len(scores) == 1 and all(word in LEAD_IN for word in rest) else None
