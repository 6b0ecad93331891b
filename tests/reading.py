"""How hard English is to read: the grade of Flesch and Kincaid, with syllables counted by their vowels."""

import re

WORD = re.compile(r"[A-Za-z][A-Za-z']*")
SENTENCE = re.compile(r"[.!?:;]+(?:\s|$)")


def grade(text: str) -> float:
    words = WORD.findall(text)
    sentences = [part for part in SENTENCE.split(text) if WORD.search(part)]
    return 0.39 * len(words) / len(sentences) + 11.8 * sum(map(syllables, words)) / len(words) - 15.59


def longest_sentence(text: str) -> int:
    return max(len(WORD.findall(part)) for part in SENTENCE.split(text))


def syllables(word: str) -> int:
    plain = re.sub(r"[^a-z]", "", word.lower())
    groups = len(re.findall(r"[aeiouy]+", plain))
    if plain.endswith("e") and not plain.endswith(("le", "ee")) and groups > 1:
        groups -= 1
    return max(1, groups)
