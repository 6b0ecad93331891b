"""A person texts: the opt-out machine first, then the application's webhook, then what the application answers."""

import json
from dataclasses import replace

from sandbox.config import ACCOUNT
from sandbox.ledger import Ticket
from sandbox.segments import measure
from sandbox.twilio import calls, opt_out, twiml
from sandbox.twilio.keywords import Keyword
from sandbox.twilio.messages import Text
from sandbox.world import World

PLACE = {"City": "SAN FRANCISCO", "State": "CA", "Zip": "94105", "Country": "US"}
CALLER_PLACE = {"City": "BLAIRSVILLE", "State": "GA", "Zip": "30512", "Country": "US"}


def receive(world: World, person: str, number: str, body: str, media: int = 0, opt_out_type: str = "") -> Text:
    """Take in a person's text and pass it on, on another thread. It is on the disk when this returns."""
    with world.lock:
        now = world.clock.now()
        text = Text(world.new_sid("MM" if media else "SM"), ACCOUNT, number, person, body, "inbound", "received", now,
                    measure(body).segments, media=media)  # fmt: skip
        ticket = _record(world, text)
        keyword = opt_out.apply(world, person, number, body, now)
        world.texts.add(text)
        world.changed(person)
        call = _call(world, text, keyword, opt_out_type)
    ticket.wait()
    if call:
        world.post.enqueue(text.sid, lambda: deliver(world, text, call))
    return text


def _record(world: World, text: Text) -> Ticket:
    return world.record(
        "said",
        text.created,
        who="person",
        channel="sms",
        provider_id=text.sid,
        sender=text.sender,
        recipient=text.to,
        body=text.body,
        detail=json.dumps({"media": text.media}),
    )


def _call(world: World, text: Text, keyword: Keyword | None, opt_out_type: str) -> calls.Call | None:
    if not world.config.inbound_url:
        return None
    told = opt_out_type or (keyword if world.config.advanced_opt_out and keyword else "")
    fields = params(world, text, told)
    return calls.Call("inbound", text.sid, world.config.inbound_url, fields, world.new_uuid())


def params(world: World, text: Text, opt_out_type: str = "") -> list[tuple[str, str]]:
    fields = {
        "ToCountry": PLACE["Country"],
        "ToState": PLACE["State"],
        "SmsMessageSid": text.sid,
        "NumMedia": str(text.media),
        "ToCity": PLACE["City"],
        "FromZip": CALLER_PLACE["Zip"],
        "SmsSid": text.sid,
        "FromState": CALLER_PLACE["State"],
        "SmsStatus": "received",
        "FromCity": CALLER_PLACE["City"],
        "Body": text.body,
        "FromCountry": CALLER_PLACE["Country"],
        "To": text.to,
        "MessagingServiceSid": world.config.service_of(text.to) or "",
        "ToZip": PLACE["Zip"],
        "NumSegments": str(max(1, text.segments)),
        "MessageSid": text.sid,
        "AccountSid": text.account,
        "From": text.sender or "",
        "ApiVersion": "2010-04-01",
    }
    for number in range(text.media):
        fields[f"MediaUrl{number}"] = f"https://api.twilio.com/2010-04-01/Accounts/{text.account}/Media/ME{number:032x}"
        fields[f"MediaContentType{number}"] = "image/jpeg"
    if opt_out_type:
        fields["OptOutType"] = opt_out_type
    if not fields["MessagingServiceSid"]:
        del fields["MessagingServiceSid"]
    return list(fields.items())


def deliver(world: World, text: Text, call: calls.Call) -> None:
    """Call the application, its fallback if that fails, and do what the answer says. Blocks for up to 30 s."""
    outcome = calls.make(world, call)
    if not outcome.is_ok and world.config.inbound_fallback_url:
        outcome = calls.make(world, replace(call, url=world.config.inbound_fallback_url))
    if outcome.is_ok:
        twiml.obey(world, text, outcome)
    else:
        text.heard = f"the app answered {outcome.status}" if outcome.status else "the app could not be reached"
        calls.note(world, text.sid, 11200, call.url)
        world.changed()
