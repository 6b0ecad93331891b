"""Drives a running sandbox from a test or a script: time, faults, people, and the verdict."""

import json
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

TIMEOUT = 120.0


class SandboxError(Exception):
    """The sandbox does not understand what it was asked for."""


class Remote:
    """The sandbox's own API, by its address. Every call blocks until the sandbox has done what it asks for."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def get(self, path: str, **args: object) -> Any:
        return self._call("GET", f"{path}?{urlencode(args)}" if args else path)

    def post(self, path: str, told: object) -> Any:
        return self._call("POST", path, told)

    def delete(self, path: str) -> Any:
        return self._call("DELETE", path)

    def advance(self, seconds: float) -> None:
        """Let virtual time pass. What falls due is done, webhooks included."""
        self.post("clock", {"advance": seconds})

    def settle(self, ahead: float = 100_000.0) -> None:
        """Let virtual time jump from one thing to the next until nothing is under way, `ahead` seconds at most."""
        if not self.get("quiesce", timeout=60, ahead=ahead)["quiet"]:
            raise SandboxError("something is still under way after a minute")

    def fault(self, name: str, **more: object) -> None:
        """Break what matches. `match`, `times`, `probability` and `args` may be given."""
        self.post("faults", {"fault": name, **more})

    def text(self, person: str, body: str) -> str:
        """A person texts us. Returns the message's SID."""
        return str(self.post("inbound/sms", {"from": person, "body": body})["sid"])

    def accepted(self) -> list[dict[str, Any]]:
        """What the application sent, as the ledger has it."""
        return list(self.get("ledger")["accepted"])

    def audit(self, *messages: dict[str, Any], **rules: object) -> dict[str, list[Any]]:
        """What is wrong: the lists that are not empty, given the messages that are expected."""
        self.post("expect", {"messages": list(messages), **rules})
        return {name: found for name, found in self.get("audit")["lists"].items() if found}

    def _call(self, method: str, path: str, told: object = None) -> Any:
        data = None if told is None else json.dumps(told).encode()
        try:
            with urlopen(Request(f"{self.url}/_sandbox/{path}", data, method=method), timeout=TIMEOUT) as answer:
                return json.loads(answer.read())
        except HTTPError as error:
            with error:
                raise SandboxError(error.read().decode()) from error
