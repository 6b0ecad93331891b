"""How Twilio calls an application: signed forms, its time-outs, and its few retries."""

import time
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, urlencode

from sandbox.config import SECOND_TOKEN, TOKEN
from sandbox.post import Outcome, Parcel
from sandbox.twilio.signature import sign
from sandbox.world import World


@dataclass(frozen=True)
class Call:
    """One webhook, with whatever makes it a strange one."""

    kind: str
    about: str
    url: str
    params: list[tuple[str, str]]
    idempotency_token: str
    signature_kind: str = "valid"
    token: str | None = None
    note: str | None = None
    cookie: str = ""


@dataclass(frozen=True)
class Override:
    """The connection override in a URL's fragment: `#rc=3&rp=5xx,ct,rt`."""

    retries: int = 1
    policy: frozenset[str] = frozenset({"ct"})
    connect_ms: int = 5_000
    read_ms: int = 15_000
    total_ms: int = 15_000
    """All tries of one call happen within this."""

    @classmethod
    def of(cls, url: str) -> "Override":
        told = dict(parse_qsl(url.partition("#")[2]))
        return cls(
            retries=_bounded(told.get("rc"), 0, 5, 1),
            policy=frozenset(told.get("rp", "ct").split(",")),
            connect_ms=_bounded(told.get("ct"), 100, 10_000, 5_000),
            read_ms=_bounded(told.get("rt"), 100, 15_000, 15_000),
            total_ms=_bounded(told.get("tt"), 100, 15_000, 15_000),
        )

    def covers(self, outcome: Outcome) -> bool:
        """Whether this failure is one to try again after."""
        if outcome.error:
            return bool(self.policy & {"all", "ct" if outcome.error == "connect" else "rt"})
        status = outcome.status or 0
        return bool(self.policy & {"all", f"{status // 100}xx"}) and status >= 400


def make(world: World, call: Call) -> Outcome:
    """Call the application, with Twilio's retries. Blocks for at most 15 seconds."""
    override = Override.of(call.url)
    if world.config.messaging_retry_on_timeout:
        override = replace(override, policy=override.policy | {"rt"})
    deadline = time.monotonic() + override.total_ms / 1000
    for attempt in range(1, override.retries + 2):
        left = deadline - time.monotonic()
        outcome = world.post.deliver(_parcel(world, call, override, attempt, left))
        if not override.covers(outcome) or deadline - time.monotonic() < 0.1:
            break
    return outcome


def _parcel(world: World, call: Call, override: Override, attempt: int, left: float) -> Parcel:
    headers = {
        "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
        "X-Twilio-Signature": signature(world, call),
        "I-Twilio-Idempotency-Token": call.idempotency_token,
        "User-Agent": "TwilioProxy/1.1",
        "Accept": "*/*",
    }
    if call.cookie:
        headers["Cookie"] = call.cookie
    kind = "off" if world.config.signing == "off" else call.signature_kind
    if kind in ("none", "off"):
        del headers["X-Twilio-Signature"]
    return Parcel(
        kind=call.kind,
        provider_id=call.about,
        url=call.url.partition("#")[0],
        headers=headers,
        body=urlencode(call.params).encode(),
        signature_kind=kind,
        attempt=attempt,
        connect_seconds=min(override.connect_ms / 1000, left),
        read_seconds=max(0.1, min(override.read_ms / 1000, left)),
        note=call.note,
    )


def signature(world: World, call: Call) -> str:
    if call.signature_kind == "bad":
        return sign("not the token", call.url, call.params)
    ours = SECOND_TOKEN if world.config.signing == "second" else TOKEN
    return sign(call.token or ours, call.url, call.params)


def note(world: World, about: str, code: int, what: str) -> None:
    """An entry in Twilio's debugger: something about the application's answer was wrong."""
    world.record("deliveries", kind="note", provider_id=about, status=code, note=what)


def _bounded(text: str | None, least: int, most: int, otherwise: int) -> int:
    return max(least, min(most, int(text))) if text and text.isdecimal() else otherwise
