"""Both providers in the place of the transport, with a ledger. The adapters and the official clients above are ours and
theirs."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from enum import StrEnum
from urllib.parse import parse_qs, urlsplit

from service.channels import Ambiguous, NotAccepted
from service.channels.connections import Answer
from tests.stopped_clock import StoppedClock

LATE, TOO_LATE = timedelta(seconds=40), timedelta(seconds=200)
"""After two deadlines of a call; after the last look."""


class Outcome(StrEnum):
    """What becomes of a call."""

    OK = "ok"
    REFUSED = "refused"
    OPTED_OUT = "the address is refused"
    WAIT = "429"
    BUSY = "503"
    UNREACHABLE = "unreachable"
    ACCOUNT = "the account is refused"
    ERROR_TAKEN = "500, taken"
    ERROR = "500, not taken"
    SILENT_TAKEN = "time-out, taken"
    SILENT = "time-out, not taken"
    RUBBISH = "rubbish, taken"
    LATE = "time-out, taken late"
    TOO_LATE = "time-out, taken after the last look"
    BROKEN = "our client breaks"


TAKEN = {Outcome.OK, Outcome.ERROR_TAKEN, Outcome.SILENT_TAKEN, Outcome.RUBBISH}
LATER = {Outcome.LATE: LATE, Outcome.TOO_LATE: TOO_LATE}
ERRORS = {
    Outcome.REFUSED: (400, 21617, {}),
    Outcome.OPTED_OUT: (400, 21610, {}),
    Outcome.WAIT: (429, 20429, {"Retry-After": "30"}),
    Outcome.BUSY: (503, 20503, {}),
    Outcome.ACCOUNT: (401, 20003, {}),
    Outcome.ERROR: (500, 20500, {}),
    Outcome.ERROR_TAKEN: (500, 20500, {}),
}


@dataclass(frozen=True)
class Taken:
    """A message that a provider took over."""

    reference: str
    name: str
    to: str
    text: str
    at: datetime
    asked_at: datetime

    @property
    def is_too_late(self) -> bool:
        """Taken over when nobody could expect it any more: docs/reliability.md, what is not proved."""
        return self.at - self.asked_at >= TOO_LATE


class Provider:
    """Speaks what the official clients understand. How the next calls end, the test says."""

    def __init__(self, clock: StoppedClock) -> None:
        self._clock = clock
        self.begin((), (), ())

    def begin(self, taken: Sequence[Taken], pending: Sequence[Taken], asked: Sequence[str]) -> None:
        self.taken, self.pending = list(taken), list(pending)
        self.asked = list(asked)
        """Our reference of each message that was handed to us, taken over or not."""
        self.outcome, self.list_is_down = Outcome.OK, False
        self.met: set[Outcome] = set()

    def call(self, method: str, url: str, headers: object, body: bytes | None) -> Answer:
        if method == "GET":
            return self._list(parse_qs(urlsplit(url).query)["To"][0])
        self.met.add(self.outcome)
        is_mail = url.endswith("/mail/send")
        self._take(_mail(body) if is_mail else _text(body), "M" if is_mail else "SM")
        return self._answer(is_mail)

    def go_on(self) -> None:
        """What is taken over late is, once its time has come."""
        now = self._clock()
        self.taken += [one for one in self.pending if one.at <= now]
        self.pending = [one for one in self.pending if one.at > now]

    def of(self, reference: object) -> list[Taken]:
        return [one for one in self.taken if one.reference == str(reference)]

    def _take(self, words: tuple[str, str, str], prefix: str) -> None:
        self.asked.append(words[0])
        now, name = self._clock(), f"{prefix}{len(self.taken) + len(self.pending):032d}"
        if self.outcome in TAKEN:
            self.taken.append(Taken(words[0], name, *words[1:], now, now))
        elif self.outcome in LATER:
            self.pending.append(Taken(words[0], name, *words[1:], now + LATER[self.outcome], now))

    def _answer(self, is_mail: bool) -> Answer:
        match self.outcome:
            case Outcome.OK | Outcome.RUBBISH:
                return self._yes(is_mail)
            case Outcome.UNREACHABLE:
                raise NotAccepted("ConnectionRefusedError")
            case Outcome.BROKEN:
                raise RuntimeError("a bug of ours")
            case outcome if outcome in ERRORS:
                status, code, headers = ERRORS[outcome]
                field = "personalizations.0.to" if outcome is Outcome.OPTED_OUT else "content"
                told = {"code": code, "message": "", "status": status, "errors": [{"message": "", "field": field}]}
                return Answer(status, json.dumps(told).encode(), headers)
            case _:
                raise Ambiguous("TimeoutError")

    def _yes(self, is_mail: bool) -> Answer:
        if self.outcome is Outcome.RUBBISH:
            return Answer(200 if is_mail else 201, b"<html>", {})
        last = self.taken[-1]
        return Answer(202, b"", {"X-Message-Id": last.name}) if is_mail else Answer(201, _json(_shown(last)), {})

    def _list(self, to: str) -> Answer:
        if self.list_is_down:
            return Answer(500, b"{}", {})
        found = [_shown(one) for one in reversed(self.taken) if one.to == to]
        return Answer(200, _json({"messages": found, "page": 0, "page_size": 100, "next_page_uri": None}), {})


def _text(body: bytes | None) -> tuple[str, str, str]:
    form = {name: values[0] for name, values in parse_qs((body or b"").decode()).items()}
    return form["StatusCallback"].rpartition("=")[2], form["To"], form["Body"]


def _mail(body: bytes | None) -> tuple[str, str, str]:
    mail = json.loads(body or b"")
    to = mail["personalizations"][0]
    return to["custom_args"]["mid"], to["to"][0]["email"], mail["content"][0]["value"]


def _shown(one: Taken) -> dict[str, object]:
    created = format_datetime(one.at)
    return {"sid": one.name, "to": one.to, "body": one.text, "direction": "outbound-api", "date_created": created}


def _json(what: object) -> bytes:
    return json.dumps(what).encode()
