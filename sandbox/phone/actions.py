"""What a person does at the phone: text, answer a mail."""

import re
from urllib.parse import urlencode

from sandbox.answers import Answer, Request, Route
from sandbox.phone.visitors import may_write
from sandbox.sendgrid import parse
from sandbox.sendgrid.letters import Letter
from sandbox.twilio import inbound
from sandbox.twilio.orders import is_number, normalised
from sandbox.world import World


def menu(world: World, person: str) -> str:
    return ""


def text(world: World, request: Request) -> Answer:
    """The person texts the number that texted them last, or the first one there is."""
    if not may_write(request):
        return _stranger()
    person = normalised(request.form.get("from", ""))
    body = request.form.get("quick") or request.form.get("body", "")
    if not is_number(person):
        return Answer.of_text(422, "That is not a number: a plus sign and 7 to 15 digits. Go back and mend it.")
    if body.strip():
        inbound.receive(world, person, _last_sender(world, person), body)
    return _back_to(person)


def mail(world: World, request: Request) -> Answer:
    """The person answers the last mail, to where it asks for answers."""
    if not may_write(request):
        return _stranger()
    person, body = request.form.get("from", "").lower(), request.form.get("body", "")
    received = world.mailroom.of(person)
    if received and body.strip():
        last = received[-1]
        subject = last.subject if re.match(r"re:", last.subject, re.IGNORECASE) else f"Re: {last.subject}"
        headers = {"In-Reply-To": f"<{last.message_id}@geopod-ismtpd-1>"}
        text = body.replace("\r\n", "\n")
        parse.receive(world, Letter(person, last.reply_to, subject, text, headers=headers))
    return _back_to(person)


def _last_sender(world: World, person: str) -> str:
    numbers = [one.sender for one in reversed(world.texts.of(person)) if one.to == person and one.sender]
    return next(iter(numbers), None) or next(iter(world.config.numbers))


def _stranger() -> Answer:
    return Answer.of_text(403, "Only the phone's own page may do this.")


def _back_to(person: str) -> Answer:
    return Answer(303, headers={"Location": "/?" + urlencode({"with": person})})


ROUTES: list[Route] = [
    ("POST", r"/phone/text", text),
    ("POST", r"/phone/mail", mail),
]
