"""People who answer by themselves: scripted recipients, set by a test or at the phone."""

from collections.abc import Callable
from functools import partial

from sandbox.behaviours import QUOTES, Behaviour
from sandbox.sendgrid import journey, parse
from sandbox.sendgrid.letters import Letter
from sandbox.sendgrid.mailroom import Mail
from sandbox.twilio import inbound
from sandbox.twilio.messages import Text
from sandbox.world import World


def attach(world: World) -> None:
    """Let people see what arrives."""
    world.arrivals.append(partial(_notice, world))


def _notice(world: World, message: Text | Mail, moment: float) -> None:
    behaviour = world.people.behaviour_of(message.to)
    reaction: Callable[[], object]
    if isinstance(message, Text):
        reaction = partial(_answer_text, world, message, behaviour)
    else:
        reaction = partial(_answer_mail, world, message, behaviour, moment + behaviour.after)
    if behaviour.kind != "silent":
        world.agenda.at(moment + behaviour.after, lambda _due: reaction())


def _answer_text(world: World, text: Text, behaviour: Behaviour) -> None:
    words = {"reply": behaviour.words, "stop": "STOP"}.get(behaviour.kind)
    if words:
        inbound.receive(world, text.to, text.sender or "", words)


def _answer_mail(world: World, mail: Mail, behaviour: Behaviour, moment: float) -> None:
    match behaviour.kind:
        case "reply" | "stop":
            parse.receive(world, _reply(mail, behaviour.words or "STOP", behaviour.style))
        case "out_of_office":
            headers = {"Auto-Submitted": "auto-replied", "X-Auto-Response-Suppress": "All"}
            words = "I am away until Monday."
            parse.receive(
                world, Letter(mail.to, mail.reply_to, f"Automatic reply: {mail.subject}", words, headers=headers)
            )
        case "open":
            journey.take(world, mail, journey.Step(moment, "open", {"useragent": "Mozilla/5.0", "ip": "203.0.113.9"}))
        case "spam":
            journey.take(world, mail, journey.Step(moment, "spamreport"))
        case "bounce":
            journey.take(world, mail, journey.Step(moment, "bounce", journey.BOUNCED))


def _reply(mail: Mail, words: str, style: str) -> Letter:
    plain = mail.content("text/plain")
    tail = QUOTES[style].format(
        sender=f"{mail.sender_name} <{mail.reply_to}>",
        subject=mail.subject,
        plain=plain,
        quoted="\n".join(f"> {line}" for line in plain.splitlines()),
    )
    headers = {"In-Reply-To": f"<{mail.message_id}@geopod-ismtpd-1>"}
    return Letter(mail.to, mail.reply_to, f"Re: {mail.subject}", words + tail, headers=headers)
