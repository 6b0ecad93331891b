"""What was asked is answered in many words: a reminder, a score, a goal."""

from decimal import Decimal

import pytest

from service.rules.understanding import GoalAnswer, Meaning, Prompt, understand


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("Yes, see you there", Meaning.COMING),
        ("C thanks!", Meaning.COMING),
        ("Ok", Meaning.COMING),
        ("I'll be there", Meaning.COMING),
        ("ahí estaré", Meaning.COMING),
        ("sí", Meaning.COMING),
        ("С", Meaning.COMING),
        ("✅", Meaning.COMING),
        ("👍🏽", Meaning.COMING),
        ("I won't be late, see you there", Meaning.COMING),
        ("I can't make it Thursday", Meaning.CANNOT),
        ("can't come, I have a dentist appointment", Meaning.CANNOT),
        ("I won't be there tonight", Meaning.CANNOT),
        ("sorry I'm sick", Meaning.CANNOT),
        ("not going to make it", Meaning.CANNOT),
        ("no puedo ir el jueves, tengo trabajo", Meaning.CANNOT),
        ("need to reschedule", Meaning.CANNOT),
        ("👎", Meaning.CANNOT),
        ("stuck in traffic", Meaning.LATE),
        ("llego tarde", Meaning.LATE),
        ("Yes but 10 minutes late", Meaning.LATE),
        ("is it at the same place?", Meaning.WORDS),
        ("yes or no?", Meaning.WORDS),
        ("No worries, I'll be there", Meaning.WORDS),
        ("how are you", Meaning.WORDS),
    ],
)
def test_a_reminder_is_answered_in_many_words(text, meaning):
    assert understand(text, {Prompt.REMINDER}).meaning is meaning


def test_words_beside_a_letter_are_kept_for_staff():
    assert understand("X - sick today", {Prompt.REMINDER}).words == "X - sick today"
    assert understand("X", {Prompt.REMINDER}).words == ""


def test_coming_is_no_answer_while_nothing_was_asked():
    assert understand("can't come next week", {Prompt.REFLECTION}).meaning is Meaning.WORDS
    assert understand("can't come next week", {Prompt.REFLECTION}).is_practical
    assert understand("I learned to breathe", {Prompt.REFLECTION}).answers is Prompt.REFLECTION


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("7 better today", "7"),
        ("hoy me fue bien, un 8", "8"),
        ("I'd say 5", "5"),
        ("siete", "7"),
        ("ten out of ten", "10"),
        ("8 de 10", "8"),
        ("0", "0"),
        ("10/10!", "10"),
        ("6,5", "6.5"),
        ("7️⃣", "7"),
        ("７", "7"),
        ("1, worst week in a long time", "1"),
        ("2. could not sleep", "2"),
        ("3 weeks sober today", None),
        ("5 minutes late", None),
        ("11", None),
        ("7-8", None),
        ("between 4 and 6", None),
        ("I slept 3 hours and walked", None),
        ("call me at 5", None),
        ("6:30", None),
        ("5/7", None),
        ("12/10", None),
        ("50%", None),
        ("+12025550143", None),
        ("fine", None),
    ],
)
def test_only_one_plain_number_is_a_score(text, score):
    meant = understand(text, {Prompt.CHECKIN})

    assert meant.score == (None if score is None else Decimal(score))
    assert meant.meaning is (Meaning.WORDS if score is None else Meaning.SCORE)


def test_the_words_beside_a_score_are_kept():
    assert understand("7 better today", {Prompt.CHECKIN}).words == "7 better today"
    assert understand("7", {Prompt.CHECKIN}).words == ""


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("DID", GoalAnswer.DID),
        ("did it twice", GoalAnswer.DID),
        ("lo hice", GoalAnswer.DID),
        ("SOME", GoalAnswer.SOME),
        ("un poco", GoalAnswer.SOME),
        ("NOT YET", GoalAnswer.NOT_YET),
        ("no, forgot", GoalAnswer.NOT_YET),
        ("todavía no", GoalAnswer.NOT_YET),
        ("👍", GoalAnswer.DID),
        ("did you get my message?", None),
        ("what goal", None),
    ],
)
def test_a_goal_is_answered_in_words(text, answer):
    assert understand(text, {Prompt.GOAL}).goal == answer
