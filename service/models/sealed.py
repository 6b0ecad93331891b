"""Texts that are kept encrypted, and keyed hashes to look them up by."""

import base64
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any, Self, overload

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

VERSION = b"v1"
NONCE_BYTES = 12  # NIST SP 800-38D: 96 bits
LOCKED = "(locked)"
"""Shown in place of a text whose key is missing, or that was moved from another row."""


@dataclass(frozen=True, repr=False)
class Keyring:
    """The field keys by name. The first encrypts, every one decrypts, the oldest makes the look-up hashes."""

    roots: Mapping[str, bytes]

    @classmethod
    def parse(cls, text: str) -> Self:
        """`k2:<base64>,k1:<base64>`, newest first. Raises ValueError."""
        roots = {}
        for part in text.split(","):
            name, colon, key = part.strip().partition(":")
            root = base64.b64decode(key, validate=True) if colon else b""
            if not name.isalnum() or len(root) != 32 or name in roots:
                raise ValueError("each key needs a name of its own and 32 bytes")
            roots[name] = root
        return cls(roots)

    def seal(self, text: str, place: str) -> bytes:
        """`place` is the table, column and row: the ciphertext opens nowhere else."""
        name = next(iter(self.roots))
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = _cipher(self._key(name, "fields")).encrypt(nonce, text.encode(), place.encode())
        return b".".join((VERSION, name.encode(), nonce + sealed))

    def open(self, sealed: bytes, place: str) -> str:
        """The text, or LOCKED where the key is missing, or the ciphertext is broken or not of this place."""
        version, _, rest = sealed.partition(b".")
        name, _, payload = rest.partition(b".")
        key = name.decode("ascii", "replace")
        if version != VERSION or key not in self.roots:
            return LOCKED
        try:
            text = _cipher(self._key(key, "fields")).decrypt(
                payload[:NONCE_BYTES], payload[NONCE_BYTES:], place.encode()
            )
        except (InvalidTag, ValueError):  # a ValueError where it was cut short
            return LOCKED
        return text.decode()

    def index(self, kind: str, value: str) -> bytes:
        """A keyed hash of a number or an address: equal values, equal hashes."""
        oldest = list(self.roots)[-1]
        return hmac.digest(self._key(oldest, "index"), f"{kind}|{value}".encode(), sha256)

    def _key(self, name: str, purpose: str) -> bytes:
        return _derived(self.roots[name], purpose)


@lru_cache(32)
def _derived(root: bytes, purpose: str) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=f"groupkeeper {purpose}".encode()).derive(root)


@lru_cache(32)
def _cipher(key: bytes) -> AESGCM:
    return AESGCM(key)


_in_use: list[Keyring] = []


def use_keys(keyring: Keyring) -> None:
    """Every sealed text of this process is sealed and opened with these keys from now on."""
    _in_use[:] = [keyring]


def keys() -> Keyring:
    return _in_use[0]


def index_of(kind: str, value: str) -> bytes:
    """The hash that `value`, a normalised `sms` number or `email` address, is looked up by. Addresses in any case."""
    return keys().index(kind, value.lower() if kind == "email" else value)


class Sealed:
    """A text of a row, kept in the column `<name>_sealed` and bound to its row's id."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name
        self._column = f"{name}_sealed"

    @overload
    def __get__(self, row: None, owner: type) -> Self: ...
    @overload
    def __get__(self, row: Any, owner: type) -> str: ...
    def __get__(self, row: Any, owner: type) -> str | Self:
        if row is None:
            return self
        sealed = getattr(row, self._column)
        return "" if sealed is None else keys().open(sealed, self._place(row))

    def __set__(self, row: Any, text: str | None) -> None:
        setattr(row, self._column, keys().seal(text, self._place(row)) if text else None)

    def sealed_for(self, row: Any, text: str) -> bytes:
        """What stands in the column of this row once its text is `text`."""
        return keys().seal(text, self._place(row))

    def _place(self, row: Any) -> str:
        return f"{row.__tablename__}|{self._name}|{row.id}"
