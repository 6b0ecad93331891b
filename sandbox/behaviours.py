"""How people behave when something arrives: by script, or as a person at the phone decides."""

from dataclasses import asdict, dataclass
from typing import Any

KINDS = frozenset({"silent", "reply", "stop", "bounce", "open", "spam", "out_of_office"})
QUOTES = {
    "gmail": "\n\nOn Wed, Nov 12, 2025 at 9:01 AM {sender} wrote:\n\n{quoted}\n",
    "outlook": "\n\n________________________________\nFrom: {sender}\nSubject: {subject}\n\n{plain}\n",
    "apple": "\n\n> On Nov 12, 2025, at 9:01 AM, {sender} wrote:\n> \n{quoted}\n",
    "none": "",
}


@dataclass(frozen=True)
class Behaviour:
    """What a person does when something arrives."""

    kind: str = "silent"
    words: str = ""
    after: float = 5.0
    style: str = "gmail"
    """How an answered mail is quoted."""

    @classmethod
    def of(cls, told: Any) -> "Behaviour":
        """Read `"stop"`, or `{"kind": "reply", "words": "C", "after": 5}`. ValueError if it is neither."""
        behaviour = cls(**told) if isinstance(told, dict) else cls(str(told))
        if behaviour.kind not in KINDS or behaviour.style not in QUOTES:
            raise ValueError(f"nobody behaves like {told!r}")
        return behaviour


class People:
    """Who behaves how."""

    def __init__(self) -> None:
        self._scripted: dict[str, Behaviour] = {}

    def script(self, person: str, behaviour: Behaviour) -> None:
        self._scripted[person] = behaviour

    def behaviour_of(self, person: str) -> Behaviour:
        return self._scripted.get(person) or _magic(person)

    def as_json(self) -> dict[str, Any]:
        return {person: asdict(behaviour) for person, behaviour in self._scripted.items()}


def _magic(person: str) -> Behaviour:
    if person.startswith("+1500555"):
        return {"9010": Behaviour("reply", "YES"), "9011": Behaviour("stop")}.get(person[-4:], Behaviour())
    is_ours = person.endswith((".sandbox.test", "@sandbox.test"))
    return Behaviour("out_of_office") if is_ours and person.startswith("oof@") else Behaviour()
