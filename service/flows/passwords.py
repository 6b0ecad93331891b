"""Passwords of staff: which will do, and whether one is right."""

import secrets
import threading

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)  # OWASP's minimum for argon2id
NOBODY = HASHER.hash(secrets.token_urlsafe(16))
"""Checked for an address we do not know, so that the answer takes as long."""
AT_ONCE = threading.BoundedSemaphore(4)
"""Hashes at once in one process: each takes 19 MiB and a core."""

SHORTEST, LONGEST = 12, 256
COMMON = frozenset(
    {"password1234", "123456789012", "qwertyuiop12", "passwordpassword", "groupkeeper1", "letmeinletmein"}
)


def problem(password: str) -> str | None:
    """What is wrong with a password, in a sentence; None: it will do."""
    if len(password) > LONGEST:
        return f"Use at most {LONGEST} characters."
    if len(password) < SHORTEST or password.lower() in COMMON or len(set(password)) < 5:
        return f"Use at least {SHORTEST} characters that are not on the list of common passwords."
    return None


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
