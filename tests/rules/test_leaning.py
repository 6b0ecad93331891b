from service.rules.distress import Category, Level, scan
from service.rules.leaning import TO_READ, leaning
from service.rules.phrases import words_of

DARK = "i keep thinking of the river and nobody would know"


def test_what_no_pattern_knows_is_for_a_person_to_read_and_calls_nobody():
    assert leaning(words_of(DARK)) > TO_READ
    assert scan(DARK).level is Level.REVIEW


def test_a_text_of_few_known_words_leans_nowhere():
    assert leaning(words_of("ok")) == 0
    assert leaning(words_of("qwxz vbnm plgh")) == 0
    assert leaning([]) == 0


def test_everyday_words_do_not_lean_to_distress():
    for text in ("see you at the session on tuesday, thanks", "running late, the bus was full", "nos vemos el martes"):
        assert leaning(words_of(text)) <= 0


def test_weighed_words_never_speak_against_a_pattern():
    assert scan("I want to die. see you at the session on tuesday, thank you").category is Category.IMMEDIATE


def test_a_guard_that_people_wrote_is_not_overruled_by_weights():
    assert scan("would die lol, my phone is killing me haha").level is Level.NONE
