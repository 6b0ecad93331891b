"""Passwords of staff: which will do, and whether one is right."""

import re
import secrets
import threading
from collections.abc import Iterable

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)  # OWASP's minimum for argon2id
NOBODY = HASHER.hash(secrets.token_urlsafe(16))
"""Checked for an address we do not know, so that the answer takes as long."""
PARTS = re.compile(r"[\W_]+")
AT_ONCE = threading.BoundedSemaphore(4)
"""Hashes at once in one process: each takes 19 MiB and a core."""

SHORTEST, SHORTEST_ALONE, LONGEST = 12, 15, 256
"""Characters; more of them where no second factor stands behind the password."""
LOOKED_AT = 40
"""Characters in which guessable parts are looked for: it takes longer the more there are."""
GUESSABLE = 3
"""Below this of 4 whoever knows the usual tricks needs fewer than 10^8 guesses."""
OWN = 8
"""Characters besides the names that everybody knows."""
WEAK = f"Use at least {SHORTEST} characters that are not on the list of common passwords."
ALONE = f"While your account has no second step at sign-in, it needs at least {SHORTEST_ALONE} characters."
EASY = (
    f"{WEAK} This one is easy to guess: common words, keys in a row, your name or the practice's. Take four words that "
    "have nothing to do with each other."
)


def problem(password: str, words: Iterable[str] = (), *, has_second_factor: bool = False) -> str | None:
    """What is wrong with a password, in a sentence; None: it will do.

    `words` are what anybody would try first for this person: their name, their address, the practice.
    """
    if len(password) > LONGEST:
        return f"Use at most {LONGEST} characters."
    if len(password) < SHORTEST:
        return WEAK if has_second_factor else f"{WEAK} {ALONE}"
    if _is_guessable(password[:LOOKED_AT], words):
        return EASY
    return ALONE if len(password) < SHORTEST_ALONE and not has_second_factor else None


def _is_guessable(password: str, words: Iterable[str]) -> bool:
    from zxcvbn import zxcvbn  # its lists take a tenth of a second and 20 MB: only who sets a password needs them

    texts = [text.casefold() for text in ("groupkeeper", *words)]
    known = {part for text in texts for part in (text, PARTS.sub("", text), *PARTS.split(text)) if len(part) > 2}
    rest = password.casefold()
    for part in sorted(known, key=len, reverse=True):
        rest = rest.replace(part, "")
    found = zxcvbn(password, sorted(known), max_length=LOOKED_AT)
    return len(rest) < OWN or int(found["score"]) < GUESSABLE


def hash_of(password: str) -> str:
    with AT_ONCE:
        return HASHER.hash(password)


def matches(known: str | None, password: str) -> bool:
    """Takes as long where no password is known. What is too long for a password is not hashed."""
    if len(password) > LONGEST:
        return False
    try:
        with AT_ONCE:
            return HASHER.verify(known or NOBODY, password) and known is not None
    except VerificationError:
        return False


def is_outdated(known: str) -> bool:
    """Hashed when less was asked of a hash."""
    return HASHER.check_needs_rehash(known)
