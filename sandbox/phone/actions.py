"""What a person does at the phone: text, answer a mail, unsubscribe, or leave the answering to a script."""

import re
from urllib.parse import urlencode

from sandbox.answers import Answer, Request, Route
from sandbox.behaviours import Behaviour
from sandbox.phone.html import attribute
from sandbox.phone.mail_view import one_click_url
from sandbox.phone.visitors import may_write
from sandbox.post import Parcel
from sandbox.sendgrid import parse
from sandbox.sendgrid.letters import Letter
from sandbox.sendgrid.mailroom import Mail
from sandbox.twilio import inbound
from sandbox.twilio.orders import is_number, normalised
from sandbox.world import World

SCRIPTS = {
    "hand": ("By hand", Behaviour()),
    "coming": ("Always C", Behaviour("reply", "C")),
    "away": ("Always X", Behaviour("reply", "X")),
    "stop": ("STOP", Behaviour("stop")),
}
MAIL_SCRIPTS = {
    "hand": ("By hand", Behaviour()),
    "calmer": ("Always", Behaviour("reply", "I felt calmer this week.")),
    "oof": ("Out of office", Behaviour("out_of_office")),
    "spam": ("Spam button", Behaviour("spam")),
}


def menu(world: World, person: str) -> str:
    """Who answers for this person: somebody at the phone, or a script."""
    mine = world.people.behaviour_of(person)
    options = "".join(
        f'<option value="{name}"{" selected" if script == mine else ""}>{attribute(label)}</option>'
        for name, (label, script) in _scripts(person).items()
    )
    return f"""<form class="script" method="post" action="/phone/script" data-live="select">
<input type="hidden" name="from" value="{attribute(person)}">
<label for="script">Answers</label>
<select id="script" name="script" aria-label="How this person answers">{options}</select>
<button type="submit">Set</button></form>"""


def _scripts(person: str) -> dict[str, tuple[str, Behaviour]]:
    return MAIL_SCRIPTS if "@" in person else SCRIPTS


def script(world: World, request: Request) -> Answer:
    if not may_write(request):
        return _stranger()
    person = request.form.get("from", "")
    chosen = _scripts(person).get(request.form.get("script", ""))
    if chosen:
        world.people.script(person, chosen[1])
        world.changed()
    return _back_to(person)


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
        parse.receive(world, _answer(received[-1], body.replace("\r\n", "\n")))
    return _back_to(person)


def _answer(last: Mail, body: str) -> Letter:
    subject = last.subject if re.match(r"re:", last.subject, re.IGNORECASE) else f"Re: {last.subject}"
    headers = {"In-Reply-To": f"<{last.message_id}@geopod-ismtpd-1>"}
    return Letter(last.to, last.reply_to, subject, body, headers=headers)


def unsubscribe(world: World, request: Request) -> Answer:
    """What a mailbox does when somebody presses Unsubscribe: one POST, and no redirect is followed."""
    if not may_write(request):
        return _stranger()
    message_id, _, index = request.form.get("mail", "").partition("/")
    found = world.mailroom.find(message_id, int(index) if index.isdecimal() else -1)
    url = one_click_url(found) if found else None
    if found is None or url is None:
        return Answer.of_text(404, "This mail cannot be unsubscribed from with one click.")
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    parcel = Parcel("unsubscribe", message_id, url, headers, b"List-Unsubscribe=One-Click", "off")
    outcome = world.post.deliver(parcel)
    found.note = "Unsubscribed" if outcome.is_ok else f"Not unsubscribed: {outcome.status or 'no answer'}"
    world.changed()
    return _back_to(found.to)


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
    ("POST", r"/phone/unsubscribe", unsubscribe),
    ("POST", r"/phone/script", script),
]
