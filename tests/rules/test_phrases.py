import pytest

from service.rules.phrases import PhraseBook, fold, words_of


def found(table, text):
    return {match.label for match in PhraseBook(table).find(words_of(text))}


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("CAFÉ", "cafe"),
        ("ＳＴＯＰ", "stop"),
        ("ЅТОР", "stop"),
        ("don’t", "dont"),
        ("a\u200bb\ufeff", "ab"),
        ("año", "ano"),
    ],
)
def test_letters_are_folded_to_plain_ones(text, folded):
    assert fold(text) == folded


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("I do not want to", "i dont wanna"),
        ("I'm going to", "i am gonna"),
        ("we'll see", "we will see"),
        ("sooo tired", "tired"),
        ("k1ll", "kill"),
        ("sucide", "suicide"),
        ("Yes. No", "yes . no"),
        ("wait... what", "wait what"),
        ("7.5", "7 . 5"),
        ("I want to d i e", "i wanna die"),
        ("k.m.s", "kms"),
        ("k!ll", "kill"),
        ("my brother's arm", "my brother arm"),
    ],
)
def test_words_have_one_spelling(text, words):
    assert words_of(text) == ["^", *words.split(), "$"]


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("red|blue car", "my blue car", True),
        ("red|blue car", "my blue old car", False),
        ("blue ~2 car", "a blue and old car", True),
        ("blue ~1 car", "a blue and old car", False),
        ("blue ~3 car", "it is blue. my car", False),
        ("blue ~~3 car", "it is blue. my car", True),
        ("very? blue car", "blue car", True),
        ("the? blue car", "the blue car", True),
        ("auto* car", "automatic car", True),
        ("auto* car", "aut car", False),
        ("^ blue", "blue car", True),
        ("^ blue", "my blue car", False),
        ("car $", "my blue car", True),
        ("@colour car", "green car", True),
        ("blue &2 car", "a car, a blue one", True),
        ("blue &2 car", "blue old car", True),
        ("blue &2 car", "a car. Blue", False),
        ("blue &&2 car", "a car. Blue", True),
    ],
)
def test_a_pattern_says_what_may_stand_where(pattern, text, matches):
    table = f"[class colour]\nblue green\n\n[it]\n# a remark\n{pattern}\n"

    assert found(table, text) == ({"it"} if matches else set())


def test_a_common_word_is_not_where_the_search_begins():
    book = PhraseBook("[common]\nthe my\n\n[it]\nthe|my car\n")

    assert book.starting("the") == []
    assert len(book.starting("car")) == 1


def test_a_match_is_covered_by_one_that_reaches_as_far():
    matches = PhraseBook("[near]\nblue car\n[wide]\nmy ~3 car ~2 home\n").find(words_of("my blue car is home"))
    near, wide = sorted(matches, key=lambda match: match.label)

    assert near.within(wide)
    assert not wide.within(near)
    assert near.meets(wide)


def test_a_match_is_explained_by_one_that_is_made_of_its_rarest_word():
    matches = PhraseBook("[common]\nmy\n\n[it]\nmy ~2 car\n\n[toy]\ntoy ~1 car\n").find(words_of("my toy car"))
    it, toy = sorted(matches, key=lambda match: match.label)

    assert it.explained_by(toy)
    assert not it.within(toy)


def test_a_stem_of_three_letters_is_refused():
    with pytest.raises(ValueError, match="4 letters"):
        PhraseBook("[it]\ncar*\n")
