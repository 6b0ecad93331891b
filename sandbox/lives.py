"""The people at the other end: who there is, and what they and the carriers said."""

from collections import OrderedDict
from dataclasses import dataclass


@dataclass(frozen=True)
class Said:
    """A mail from a person, or a text from the provider itself."""

    who: str
    channel: str
    other: str
    body: str
    moment: float
    subject: str = ""


class Lives:
    """Everybody who received or sent something. Whoever did so last comes first."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, float] = OrderedDict()
        self._said: dict[str, list[Said]] = {}

    def touch(self, person: str, moment: float) -> None:
        self._seen[person] = moment
        self._seen.move_to_end(person)

    def hear(self, person: str, said: Said) -> None:
        self._said.setdefault(person, []).append(said)

    def said(self, person: str) -> list[Said]:
        return self._said.get(person, [])

    def newest_first(self, limit: int) -> list[tuple[str, float]]:
        """People and when something last happened to them."""
        found: list[tuple[str, float]] = []
        for person in reversed(self._seen):
            if len(found) == limit:
                break
            found.append((person, self._seen[person]))
        return found

    def knows(self, person: str) -> bool:
        return person in self._seen
