"""A person texts: the opt-out machine first, then the application's webhook, then what the application answers."""

import json
from dataclasses import replace

from sandbox.config import ACCOUNT
from sandbox.faults.plans import Plan
from sandbox.ledger import Ticket
from sandbox.segments import measure
from sandbox.twilio import calls, cookies, opt_out, twiml
from sandbox.twilio.calls import Call
from sandbox.twilio.keywords import Keyword
from sandbox.twilio.messages import Text
from sandbox.world import World

PLACE = {"City": "SAN FRANCISCO", "State": "CA", "Zip": "94105", "Country": "US"}
CALLER_PLACE = {"City": "BLAIRSVILLE", "State": "GA", "Zip": "30512", "Country": "US"}
HUGE = 100_000


def receive(world: World, person: str, number: str, body: str, media: int = 0, opt_out_type: str = "") -> Text:
    """Take in a person's text and pass it on, on another thread. It is on the disk when this returns."""
    with world.lock:
        text = _text(world, person, number, body, media)
        ticket = _record(world, text)
        keyword = opt_out.apply(world, person, number, body, text.created)
        world.texts.add(text)
        world.changed(person)
        plan = world.faults.pick(world.rng, "twilio", "inbound", to=number, **{"from": person}, body=body)
        call = _call(world, text, keyword, opt_out_type)
    ticket.wait()
    if call:
        _pass_on(world, text, call, plan)
    return text


def _text(world: World, person: str, number: str, body: str, media: int) -> Text:
    return Text(
        sid=world.new_sid("MM" if media else "SM"),
        account=ACCOUNT,
        to=number,
        sender=person,
        body=body,
        direction="inbound",
        status="received",
        created=world.clock.now(),
        segments=measure(body).segments,
        media=media,
    )


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


def _call(world: World, text: Text, keyword: Keyword | None, opt_out_type: str) -> Call | None:
    if not world.config.inbound_url:
        return None
    told = opt_out_type or (keyword if world.config.advanced_opt_out and keyword else "")
    return Call("inbound", text.sid, world.config.inbound_url, params(world, text, told), world.new_uuid())


def params(world: World, text: Text, opt_out_type: str = "") -> list[tuple[str, str]]:
    service = world.config.service_of(text.to)
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
        **({"MessagingServiceSid": service} if service else {}),
        "ToZip": PLACE["Zip"],
        "NumSegments": str(max(1, text.segments)),
        "MessageSid": text.sid,
        "AccountSid": text.account,
        "From": text.sender or "",
        "ApiVersion": "2010-04-01",
        **_media(text),
        **({"OptOutType": opt_out_type} if opt_out_type else {}),
    }
    return list(fields.items())


def _media(text: Text) -> dict[str, str]:
    base = f"https://api.twilio.com/2010-04-01/Accounts/{text.account}/Messages/{text.sid}/Media"
    urls = {f"MediaUrl{n}": f"{base}/ME{n:032x}" for n in range(text.media)}
    return {**urls, **{f"MediaContentType{n}": "image/jpeg" for n in range(text.media)}}


def _pass_on(world: World, text: Text, call: Call, plan: Plan | None) -> None:
    def post(one: Call) -> None:
        world.post.enqueue(f"from {text.sender}", lambda: deliver(world, text, one))

    match plan.fault if plan else "":
        case "in_lost":
            pass
        case "in_out_of_order":
            world.agenda.at(text.created + (plan.number("delay_s", 5) if plan else 0), lambda _due: post(call))
        case "in_duplicate":
            post(call)
            post(replace(call, idempotency_token=call.idempotency_token[::-1]))
        case "in_retry_same_token":
            post(call)
            post(call)
        case "in_unsigned":
            post(_forged(call))
            post(call)
        case "in_huge":
            post(replace(call, params=[(name, "x" * HUGE if name == "Body" else v) for name, v in call.params]))
        case _:
            post(call)


def _forged(call: Call) -> Call:
    """The same words under another name, without a signature."""
    changed = dict.fromkeys(("MessageSid", "SmsSid", "SmsMessageSid"), call.about[::-1])
    return replace(
        call, params=[(name, changed.get(name, value)) for name, value in call.params], signature_kind="none"
    )


def deliver(world: World, text: Text, call: Call) -> None:
    """Call the application, its fallback if that fails, and do what the answer says. Blocks for up to 30 s."""
    call = replace(call, cookie=cookies.of(world, text))
    outcome = calls.make(world, call)
    if not outcome.is_ok and world.config.inbound_fallback_url:
        outcome = calls.make(world, replace(call, url=world.config.inbound_fallback_url))
    if outcome.is_ok:
        twiml.obey(world, text, outcome)
    elif call.signature_kind == "valid":
        text.heard = f"the app answered {outcome.status}" if outcome.status else "the app could not be reached"
        calls.note(world, text.sid, 11200, call.url)
        world.changed()
