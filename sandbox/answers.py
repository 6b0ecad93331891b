"""What a client asked, what it is answered, and the manner in which the answer goes out."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl


@dataclass
class Request:
    """One HTTP request, read to its end."""

    method: str
    path: str
    query: str
    headers: Message
    body: bytes
    peer_port: int = 0
    fault: str | None = None
    """The fault that was planned for it. Written beside what was accepted."""
    lag_seconds: float = 0.0
    """How far behind the lists are that it reads."""

    @cached_property
    def form(self) -> dict[str, str]:
        """The last value of each field of the form."""
        return dict(self.form_pairs)

    @cached_property
    def form_pairs(self) -> list[tuple[str, str]]:
        return parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True)

    @cached_property
    def args(self) -> dict[str, str]:
        return dict(parse_qsl(self.query, keep_blank_values=True))

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.body).hexdigest()

    def json(self) -> Any:
        """The body as JSON, or None if it is not. An empty body is an empty object."""
        try:
            return json.loads(self.body or b"{}")
        except ValueError:
            return None

    def header(self, name: str) -> str:
        return str(self.headers.get(name, ""))


@dataclass(frozen=True)
class Whole:
    """The answer goes out at once and complete."""


@dataclass(frozen=True)
class Reset:
    """No answer: the connection is reset."""


@dataclass(frozen=True)
class Silence:
    """No answer: the connection is held for some real seconds and then closed."""

    seconds: float


@dataclass(frozen=True)
class Held:
    """The answer is held back for some real seconds."""

    seconds: float


@dataclass(frozen=True)
class Trickle:
    """The head goes out at once, the body a byte at a time."""

    seconds_per_byte: float


Manner = Whole | Reset | Silence | Held | Trickle


@dataclass
class Answer:
    """What a client is answered."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    manner: Manner = field(default_factory=Whole)
    when_out: Callable[[bool], None] | None = None
    """Told whether the answer left complete."""

    @classmethod
    def of_json(cls, status: int, value: object, headers: Mapping[str, str] | None = None) -> "Answer":
        body = json.dumps(value, ensure_ascii=False).encode()
        return cls(status, body, {"Content-Type": "application/json", **(headers or {})})

    @classmethod
    def of_text(cls, status: int, text: str, kind: str = "text/plain; charset=utf-8") -> "Answer":
        return cls(status, text.encode(), {"Content-Type": kind})


Serve = Callable[..., Answer]
Route = tuple[str, str, Serve]
"""A method, a pattern of paths, and who answers."""
