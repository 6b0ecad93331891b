"""What an application answers to a text: TwiML, which may hold further texts."""

import re
from xml.etree import ElementTree as Xml

from sandbox.post import Outcome
from sandbox.segments import measure
from sandbox.twilio import calls, cookies, entries, lifecycle
from sandbox.twilio.messages import Text
from sandbox.world import World

REPLIES_ALLOWED, REPLIES_WITHIN = 15, 30.0


def obey(world: World, heard: Text, outcome: Outcome) -> None:
    """Send the person what the application's answer holds."""
    if cookies.remember(world, heard, outcome):
        calls.note(world, heard.sid, 0, "the answer set a cookie")
    if outcome.status == 204 or not outcome.body.strip():
        return
    kind = outcome.header("Content-Type").partition(";")[0].strip().lower()
    text = outcome.body.decode("utf-8", "replace")
    if kind == "text/plain":
        _reply(world, heard, text)
    elif kind not in ("text/xml", "application/xml", "text/html"):
        calls.note(world, heard.sid, 12300, kind)
    else:
        for words, callback in _messages(world, heard, text):
            _reply(world, heard, words, callback)


def _messages(world: World, heard: Text, document: str) -> list[tuple[str, str | None]]:
    """The words of each, and where its status is reported to."""
    if "<!DOCTYPE" in document or "<!ENTITY" in document:
        calls.note(world, heard.sid, 12100, "a document type")
        return []
    try:
        root = Xml.fromstring(document.strip())
    except Xml.ParseError as error:
        calls.note(world, heard.sid, 12100, str(error))
        return []
    if root.tag != "Response":
        calls.note(world, heard.sid, 12100, f"the root is {root.tag}")
        return []
    found = [message for message in root if message.tag in ("Message", "Sms")]
    return [(words, _callback(world, heard, message)) for message in found if (words := _words(message))]


def _callback(world: World, heard: Text, message: Xml.Element) -> str | None:
    url = message.get("statusCallback")
    if url and not url.startswith(("http://", "https://")):
        calls.note(world, heard.sid, 14105, url)
        return None
    return url


def _words(message: Xml.Element) -> str:
    bodies = message.findall("Body")
    return "".join("".join(part.itertext()) for part in (bodies or [message])).strip()


def _reply(world: World, heard: Text, words: str, callback: str | None = None) -> None:
    with world.lock:
        now = world.clock.now()
        pair = (heard.to, heard.sender or "")
        if _is_looping(world, pair, now):
            calls.note(world, heard.sid, 14107, "too many replies in 30 seconds")
        elif world.texts.is_blocked(heard.to, world.config.service_of(heard.to), heard.sender or ""):
            world.record("refused", provider="twilio", op="reply", to_norm=heard.sender, http=400, code=21610)
            calls.note(world, heard.sid, 21610, "the person has opted out")
        elif re.fullmatch(r"\+\d+", heard.sender or ""):
            _send(world, heard, words, callback, now)


def _send(world: World, heard: Text, words: str, callback: str | None, now: float) -> None:
    text = Text(
        sid=world.new_sid("SM"),
        account=heard.account,
        to=heard.sender or "",
        sender=heard.to,
        body=words,
        direction="outbound-reply",
        status="queued",
        created=now,
        segments=measure(words).segments,
        callback=callback,
    )
    entries.write(world, text)
    world.texts.add(text)
    world.changed(text.to)
    lifecycle.follow(world, text, lifecycle.plan(world, text))


def _is_looping(world: World, pair: tuple[str, str], now: float) -> bool:
    recent = [at for at in world.texts.looped.get(pair, []) if now - at < REPLIES_WITHIN]
    world.texts.looped[pair] = [*recent, now]
    return len(recent) >= REPLIES_ALLOWED
