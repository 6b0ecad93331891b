"""Answers of the sandbox's own API."""

from typing import Any

from sandbox.answers import Answer, Request


class BadRequestError(Exception):
    """The test that calls asked for something that does not exist."""

    def answer(self) -> Answer:
        return Answer.of_json(400, {"error": str(self)})


def ok(value: object) -> Answer:
    return Answer.of_json(200, value)


def told(request: Request) -> dict[str, Any]:
    """The JSON object that a request holds."""
    value = request.json()
    if not isinstance(value, dict):
        raise BadRequestError("a JSON object is needed")
    return value


def needed(value: dict[str, Any], name: str) -> Any:
    if name not in value:
        raise BadRequestError(f"{name!r} is missing")
    return value[name]
