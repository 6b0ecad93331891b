from service.rules.distress import Category, Level, scan
from service.rules.leaning import KINDS, leaning
from service.rules.phrases import words_of


def test_what_no_pattern_knows_leans_to_a_kind_of_distress_by_its_words():
    found = leaning(
        words_of("i keep looking at the ceiling beam and there is nobody left, everything hurts, so tired of life")
    )

    assert found is not None
    assert found.kind in KINDS
    assert found.weight > 0


def test_a_text_of_few_known_words_leans_nowhere():
    assert leaning(words_of("ok")) is None
    assert leaning(words_of("qwxz vbnm plgh")) is None
    assert leaning([]) is None


def test_everyday_words_lean_away_from_distress():
    for text in (
        "see you at the session on tuesday, thank you",
        "running late, the bus was full",
        "nos vemos el martes",
    ):
        found = leaning(words_of(text))

        assert found is None or found.weight < 0


def test_weighed_words_never_speak_against_a_pattern():
    assert scan("I want to die. see you at the session on tuesday, thank you").category is Category.IMMEDIATE


def test_a_guard_that_people_wrote_is_not_overruled_by_weights():
    assert scan("would die lol, my phone is killing me haha").level is not Level.CRISIS


def test_every_kind_is_a_category_that_has_an_answer():
    assert set(KINDS) <= set(Category)
