"""What `static/parts.js` needs to say, as a text is typed, how many parts it takes: the rules of `rules/segments`."""

from collections.abc import Collection

from service import texts
from service.flows import write
from service.models import Practice
from service.rules import segments

WORDS = "\x00"


def rules(practice: Practice, languages: Collection[str], names: Collection[str]) -> dict[str, object]:
    """For words in one of these languages that may name these fields, counted with their longest values."""
    return {
        "basic": "".join(sorted(segments.BASIC)),
        "extended": "".join(sorted(segments.EXTENDED)),
        "plain": {char: plain for plain, chars in segments.PLAIN.items() for char in chars},
        "single": segments.SINGLE,
        "part": segments.PART,
        "most": write.MOST_PARTS,
        "around": [write.sample(practice, WORDS, language).split(WORDS) for language in sorted(languages)],
        "fields": {name: texts.LONGEST[name] for name in names},
    }
