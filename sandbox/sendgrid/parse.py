"""Inbound Parse: a person's mail is posted to the application, and tried again for three days."""

import json
from dataclasses import replace

from sandbox.faults.plans import Plan
from sandbox.lives import Said
from sandbox.post import Outcome, Parcel
from sandbox.sendgrid import letters
from sandbox.sendgrid.letters import BOUNDARY, Letter
from sandbox.sendgrid.signature import SIGNATURE, TIMESTAMP, sign
from sandbox.world import World

RETRIED_FOR = 3 * 86_400.0
FIRST_RETRY = 60.0
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"


def receive(world: World, letter: Letter, *, is_signed: bool | None = None) -> str:
    """Take in a person's mail and post it, on another thread. Returns its name in the ledger."""
    with world.lock:
        now = world.clock.now()
        name = f"<{world.new_id(22)}@mail.sandbox.test>"
        plan = world.faults.pick(world.rng, "sendgrid", "parse", to=letter.to, **{"from": letter.sender})
        hear(world, name, letter, now)
    for one, signs in _versions(letter, plan):
        post(world, name, letters.body(one, name, now), now, is_signed=is_signed if signs is None else signs)
    return name


def hear(world: World, name: str, letter: Letter, now: float) -> None:
    """Write down what a person mailed."""
    person, words = letter.sender.lower(), letter.text or letter.html or ""
    world.record(
        "said",
        now,
        who="person",
        channel="email",
        provider_id=name,
        sender=person,
        recipient=letter.to,
        body=words,
        detail=json.dumps({"subject": letter.subject}),
    ).wait()
    world.lives.hear(person, Said("person", "email", letter.to, words, now, letter.subject))
    world.changed(person)


def _versions(letter: Letter, plan: Plan | None) -> list[tuple[Letter, bool | None]]:
    """What is posted: the letter, changed or with forged ones beside it; and whether it is signed."""
    match plan.fault if plan else "":
        case "parse_retry":
            return [(letter, None), (letter, None)]
        case "parse_latin1":
            return [(replace(letter, charset="iso-8859-1"), None)]
        case "parse_bad_charset":
            return [(replace(letter, charset="x-unknown-8bit"), None)]
        case "parse_600kb_text":
            return [(replace(letter, text=(letter.text or "") + "\n> quoted\n" * 60_000), None)]
        case "parse_40mb":
            return [(replace(letter, attachments=(("big.bin", "application/octet-stream", bytes(40 << 20)),)), None)]
        case "parse_unsigned":
            return [(letter, False), (letter, None)]
        case "parse_spoofed":
            return [(replace(letter, spf="softfail", dkim="{@mailer.example.net : pass}"), None)]
    return [(letter, None)]


def post(
    world: World, name: str, body: bytes, moment: float, content_type: str = MULTIPART, *, is_signed: bool | None = None
) -> None:
    """Post a form now. `is_signed` None: as configured."""
    if not world.config.parse_url:
        return
    headers = {"Content-Type": content_type, "User-Agent": "Sendlib/1.0 server.sendgrid.com"}
    signed = world.config.parse_signed if is_signed is None else is_signed
    stamp = str(int(moment))
    if signed:
        headers |= {SIGNATURE: sign(stamp, body), TIMESTAMP: stamp}
    kind = "valid" if signed else "none" if world.config.parse_signed else "off"
    parcel = Parcel("parse", name, world.config.parse_url, headers, body, kind, read_seconds=30.0)
    attempt(world, parcel, moment, moment)


def attempt(world: World, parcel: Parcel, first: float, due: float) -> None:
    """Post a mail on another thread; after a 5xx or no answer try again."""

    def job() -> None:
        outcome = world.post.deliver(parcel)
        again = due + FIRST_RETRY * 2 ** (parcel.attempt - 1)
        if _is_worth_another_try(world, outcome) and again - first <= RETRIED_FOR:
            following = replace(parcel, attempt=parcel.attempt + 1)
            world.agenda.at(again, lambda later: attempt(world, following, first, later))

    world.post.enqueue(f"parse {parcel.provider_id}", job)


def _is_worth_another_try(world: World, outcome: Outcome) -> bool:
    status = outcome.status or 599
    return status >= 500 or (world.config.retry_4xx and 400 <= status < 500)
