"""What a reply means: one of a few things the service can act on, or words for a person to read.

The order is that of every inbound text: opt-out, then HELP, START and LESS, then the answer to what was asked, and
what is left are words. Letters answer a reminder, numbers a check-in, words a goal.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from functools import cache
from pathlib import Path

from service.rules import keywords
from service.rules.phrases import Match, PhraseBook, fold, words_of
from service.rules.replies import NOD, SHAKE, is_automatic, is_only_a_score, is_only_signs, score_of

READ = 1_600
"""Characters of a reply that are read for their meaning: what one text may hold."""


class Prompt(StrEnum):
    """What was asked and may still be answered."""

    REMINDER = "reminder"
    CHECKIN = "checkin"
    GOAL = "goal"
    REFLECTION = "reflection"
    WHICH = "which"
    """A or B: which of two visits an answer was about."""


class Meaning(StrEnum):
    OPT_OUT = "opt_out"
    OPT_IN = "opt_in"
    HELP = "help"
    LESS = "less"
    PAUSE = "pause"
    WIN = "win"
    COMING = "coming"
    CANNOT = "cannot"
    LATE = "late"
    WHICH = "which"
    SCORE = "score"
    GOAL = "goal"
    WRONG_NUMBER = "wrong_number"
    AUTOMATIC = "automatic"
    """A phone or a mailbox wrote it: a tapback, an auto-reply."""
    EMPTY = "empty"
    """No words: a picture, or a thumbs-up that answers nothing."""
    WORDS = "words"


class MatchedBy(StrEnum):
    """How an opt-out was said."""

    KEYWORD = "keyword"
    FREE_TEXT = "free_text"
    FREE_TEXT_ES = "free_text_es"


class GoalAnswer(StrEnum):
    DID = "did"
    SOME = "some"
    NOT_YET = "not_yet"


@dataclass(frozen=True)
class Understanding:
    """What was meant, and what of it there is to keep."""

    meaning: Meaning
    matched_by: MatchedBy | None = None
    score: Decimal | None = None
    """0, worst, to 10, best; halves and the like are kept as they were written."""
    goal: GoalAnswer | None = None
    is_nod: bool = False
    """A thumbs-up or an OK: yes to a question, and else only that it was read."""
    is_first: bool = False
    """A: the first of the two."""
    words: str = ""
    """What was said beside the answer, for staff; "" if the answer is all there is."""
    all_channels: bool = False
    """The opt-out is meant for email and calls too."""
    may_mean_the_visit: bool = False
    """CANCEL, END or QUIT while a reminder is open: opted out all the same, and a person calls to ask."""
    fewer: bool = False
    """Asks for fewer messages, not for none."""
    asks_for_help: bool = False
    """ "Help me", which is no HELP: first among what a person reads."""
    is_practical: bool = False
    """Speaks of coming or being late though no reminder is open: staff see it even where reflections are private."""
    answers: Prompt | None = None
    """The open question that this answers."""


COMMANDS = {
    "help": Meaning.HELP,
    "info": Meaning.HELP,
    "ayuda": Meaning.HELP,
    "start": Meaning.OPT_IN,
    "unstop": Meaning.OPT_IN,
    "less": Meaning.LESS,
    "menos": Meaning.LESS,
}


def understand(
    text: str,
    open_prompts: Collection[Prompt] = (),
    was_opted_out: bool = False,
    language: str = "en",
    provider_says: str | None = None,
) -> Understanding:
    """What the text means. `provider_says` is its OptOutType, STOP, START or HELP, if it sent one: it has acted on it.

    A bare YES never opts in by itself; it does where the provider took it for START and the member had opted out.
    """
    text = text[:READ]
    if is_automatic(text):
        return Understanding(Meaning.AUTOMATIC, words=text)
    found = _Found(text, language, frozenset(open_prompts))
    by_provider = _by_provider(found, provider_says, was_opted_out)
    steps = (_opt_out, _command, _wrong_number, _which, _empty, _attendance, _score, _goal)
    chain = (understood for step in steps if (understood := step(found)) is not None)
    return by_provider or next(chain, None) or _words(found)


class _Found:
    """A reply with all that its steps look at, each looked for once."""

    def __init__(self, text: str, language: str, prompts: frozenset[Prompt]) -> None:
        self.text, self.language, self.prompts = text, language, prompts
        words = re.findall(r"[a-z0-9]+", fold(text.replace("\x00", "")))
        is_spelled = len(words) > 2 and all(len(word) == 1 for word in words)  # S T O P
        self.plain = ("" if is_spelled else " ").join(words)
        self.first, _, self.rest = self.plain.partition(" ")
        self.matches = matches = _book().find(words_of(text))
        self.labels = {match.label for match in matches}
        self.opt_outs = _not_covered(matches, {"opt out", "opt out es"}, by="no opt out")
        self.noes = _not_covered(matches, {"no", "cannot"}, by="not missing")

    @property
    def beside(self) -> str:
        """The words to keep for staff, where there is more than the bare answer."""
        return self.text.strip() if self.rest else ""


def _not_covered(matches: list[Match], labels: Collection[str], by: str) -> list[Match]:
    covers = [match for match in matches if match.label == by]
    chosen = [match for match in matches if match.label in labels]
    return [match for match in chosen if not any(match.within(cover) for cover in covers)]


def _by_provider(found: _Found, provider_says: str | None, was_opted_out: bool) -> Understanding | None:
    if provider_says == "STOP":
        return _opt_out(found) or _opted_out(found, MatchedBy.KEYWORD)
    if provider_says == "START" and was_opted_out:
        return Understanding(Meaning.OPT_IN, words=found.beside)
    return None


def _opt_out(found: _Found) -> Understanding | None:
    if found.plain in keywords.OPT_OUTS:
        return _opted_out(found, MatchedBy.KEYWORD)
    if found.plain in keywords.OPT_OUTS_ES or (found.language == "es" and found.plain in keywords.ONLY_IN_SPANISH):
        return _opted_out(found, MatchedBy.FREE_TEXT_ES)
    if found.plain in keywords.SLIPS:
        return _opted_out(found, MatchedBy.FREE_TEXT)
    if not found.opt_outs:
        return None
    is_spanish = all(match.label == "opt out es" for match in found.opt_outs)
    return _opted_out(found, MatchedBy.FREE_TEXT_ES if is_spanish else MatchedBy.FREE_TEXT)


def _opted_out(found: _Found, matched_by: MatchedBy) -> Understanding:
    word = found.plain if matched_by is MatchedBy.KEYWORD else found.plain.removeprefix("please ")
    return Understanding(
        Meaning.OPT_OUT,
        matched_by,
        words=found.beside,
        all_channels="all channels" in found.labels,
        may_mean_the_visit=word in keywords.MAY_MEAN_THE_VISIT and Prompt.REMINDER in found.prompts,
    )


def _command(found: _Found) -> Understanding | None:
    word = found.plain.removeprefix("please ").removesuffix(" please")
    if word in COMMANDS and (word == found.plain or word not in ("help", "ayuda")):
        return Understanding(COMMANDS[word], words=found.text.strip() if word == "ayuda" else "")
    if found.first in keywords.PAUSES and found.plain.count(" ") <= 5:
        return Understanding(Meaning.PAUSE, words=found.beside)
    if found.first in keywords.WINS and keywords.IS_A_WIN.match(found.text) and found.rest:
        return Understanding(Meaning.WIN, words=found.text.strip())
    return None


def _wrong_number(found: _Found) -> Understanding | None:
    name = keywords.AM_NOT.fullmatch(found.text)
    is_another = (
        name is not None
        and fold(name[1]) not in keywords.NOT_A_NAME
        and (name[1][0].isupper() or "no soy" in found.plain)
    )
    if "wrong number" in found.labels or is_another:
        return Understanding(Meaning.WRONG_NUMBER, words=found.text.strip())
    return None


def _which(found: _Found) -> Understanding | None:
    if Prompt.WHICH not in found.prompts or found.first not in ("a", "b") or found.plain.count(" ") > 1:
        return None
    return Understanding(Meaning.WHICH, is_first=found.first == "a", words=found.beside, answers=Prompt.WHICH)


def _empty(found: _Found) -> Understanding | None:
    asked = {Prompt.REMINDER, Prompt.GOAL} & found.prompts
    if not found.text.strip() or (is_only_signs(found.text) and not (asked and _nod(found) is not None)):
        return Understanding(Meaning.EMPTY)
    return None


def _nod(found: _Found) -> bool | None:
    """True for a thumbs-up and its like, False for a thumbs-down, None for neither."""
    if found.plain:
        return None
    return True if NOD & set(found.text) else False if SHAKE & set(found.text) else None


def _attendance(found: _Found) -> Understanding | None:
    if Prompt.REMINDER not in found.prompts:
        return None
    says_yes, says_no = _says_coming(found), bool(found.noes) or _in_spanish(found, keywords.NO_ES)
    if {"late", "not late"} & found.labels == {"late"} and not says_no:
        return Understanding(Meaning.LATE, words=found.text.strip(), answers=Prompt.REMINDER)
    if _nod(found) is True or (found.first == "c" and not says_no):
        says_yes, says_no = True, False
    elif _nod(found) is False or found.first == "x":
        says_yes, says_no = False, True
    if says_yes == says_no or found.text.rstrip().endswith("?"):
        return None
    meaning = Meaning.COMING if says_yes else Meaning.CANNOT
    is_nod = _nod(found) is True or found.plain in keywords.NODS
    beside = "" if is_nod else found.beside
    return Understanding(meaning, words=beside, is_nod=is_nod, answers=Prompt.REMINDER)


def _says_coming(found: _Found) -> bool:
    """Said, and not as a part of saying no ("can't be there")."""
    said = [match for match in found.matches if match.label in ("yes", "coming", "not missing")]
    yeses = [match for match in said if not any(map(match.meets, found.noes))]
    return bool(yeses) or _in_spanish(found, keywords.YES_ES)


def _in_spanish(found: _Found, words: frozenset[str]) -> bool:
    """A word that says so in Spanish and something else, or nothing, in English."""
    return found.language == "es" and found.plain in words


def _score(found: _Found) -> Understanding | None:
    score = score_of(found.text) if Prompt.CHECKIN in found.prompts else None
    if score is None:
        return None
    words = "" if is_only_a_score(found.text) else found.text.strip()
    return Understanding(Meaning.SCORE, score=score, words=words, answers=Prompt.CHECKIN)


def _goal(found: _Found) -> Understanding | None:
    if Prompt.GOAL not in found.prompts or found.text.rstrip().endswith("?"):
        return None
    answers = {"not yet": GoalAnswer.NOT_YET, "some": GoalAnswer.SOME, "did": GoalAnswer.DID}
    answer = next((answers[label] for label in answers if label in found.labels), None)
    if answer is None and found.plain in keywords.SOME_OF_IT:
        answer = GoalAnswer.SOME
    if _nod(found) is not None:
        answer = GoalAnswer.DID if _nod(found) else GoalAnswer.NOT_YET
    if answer is None:
        return None
    words = found.text.strip() if found.plain.count(" ") > 1 else ""
    return Understanding(Meaning.GOAL, goal=answer, words=words, answers=Prompt.GOAL)


def _words(found: _Found) -> Understanding:
    words = Understanding(Meaning.WORDS, words=found.text.strip(), fewer="fewer" in found.labels)
    return replace(
        words,
        asks_for_help="help me" in found.labels,
        is_practical=bool(found.labels & {"coming", "cannot", "late"}),
        answers=Prompt.REFLECTION if Prompt.REFLECTION in found.prompts else None,
    )


@cache
def _book() -> PhraseBook:
    return PhraseBook(Path(__file__).with_name("understanding.txt").read_text("utf-8"))
