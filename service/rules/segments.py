"""How an SMS is encoded, how many parts it takes, and how its words are made to fit the small alphabet."""

import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache


class Encoding(StrEnum):
    GSM7 = "GSM-7"
    UCS2 = "UCS-2"


@dataclass(frozen=True)
class Segments:
    """What a text costs: `units` are septets in GSM-7 and 16-bit units in UCS-2; `segments` are the parts paid for."""

    encoding: Encoding
    units: int
    segments: int


SINGLE = {Encoding.GSM7: 160, Encoding.UCS2: 70}
PART = {Encoding.GSM7: 153, Encoding.UCS2: 67}
"""Units in each part of a text that needs several: the rest of a part says which one it is."""

BASIC = frozenset(
    "\n\r !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
    "¡£¤¥§¿ÄÅÆÇÉÑÖØÜßàäåæèéìñòöøùüΓΔΘΛΞΠΣΦΨΩ"
)
EXTENDED = frozenset("\f[\\]^{|}~€")
"""Written with an escape in front: two septets each."""

PLAIN = {
    '"': "«»“”„‟ʺˮ❝❞〝〞",
    "'": "‘’‚‛ʻʼʽʹˈˊˋ´`❛❜′",
    "-": "‐‑‒–—―−⁃•·",
    "...": "…",
    "/": "÷⁄∕⧸",
    "<": "‹",
    ">": "›",
    "*": "∗⁎✱",
    "_": "‗",
    " ": "\t\v\u0085\u00a0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B))),
    "": "\u00ad\u200b\u200c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\ufeff",
}
REPLACED = str.maketrans({char: plain for plain, chars in PLAIN.items() for char in chars})


@lru_cache(2048)
def count(text: str) -> Segments:
    """The encoding, units and parts of a text as it stands.

    A part is never cut within an escaped character or an emoji, so two texts of the same length can differ by a part.
    """
    encoding = Encoding.GSM7 if _fits_gsm7(text) else Encoding.UCS2
    widths = [_width(char, encoding) for char in text]
    units = sum(widths)
    return Segments(encoding, units, 1 if units <= SINGLE[encoding] else _parts(widths, PART[encoding]))


@lru_cache(2048)
def to_gsm7(text: str, *, keep_accents: bool = False) -> str:
    """The text with the plain signs that GSM-7 has for typeset ones: quotes, dashes, odd spaces, full-width letters.

    Accents that GSM-7 lacks (á í ó ú, but not é ñ ü) are dropped unless `keep_accents`: one of them makes a text cost
    two or three parts. Emoji and other alphabets stay.
    """
    text = unicodedata.normalize("NFC", text).translate(REPLACED)
    return "".join(char if _fits_gsm7(char) else _plain(char, keep_accents) for char in text)


def _fits_gsm7(text: str) -> bool:
    return all(char in BASIC or char in EXTENDED for char in text)


def _width(char: str, encoding: Encoding) -> int:
    if encoding is Encoding.GSM7:
        return 2 if char in EXTENDED else 1
    return 2 if ord(char) > 0xFFFF else 1


def _parts(widths: list[int], room: int) -> int:
    parts, left = 1, room
    for width in widths:
        if width > left:
            parts, left = parts + 1, room
        left -= width
    return parts


def _plain(char: str, keep_accents: bool) -> str:
    alike = unicodedata.normalize("NFKC", char).translate(REPLACED)
    if _fits_gsm7(alike):
        return alike
    base = unicodedata.normalize("NFD", char)[0]
    return char if keep_accents or not _fits_gsm7(base) else base
