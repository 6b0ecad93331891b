"""Status callbacks: the application is told what became of a message, more or less reliably."""

from dataclasses import replace

from sandbox.clock import utc
from sandbox.config import FOREIGN_ACCOUNT, FOREIGN_TOKEN, SECOND_TOKEN
from sandbox.faults.plans import Plan
from sandbox.twilio import calls
from sandbox.twilio.calls import Call
from sandbox.twilio.messages import Text
from sandbox.world import World


def tell(world: World, text: Text, status: str, error: int | None, moment: float) -> None:
    """Call the message's StatusCallback, on another thread. Whoever calls holds the world's lock."""
    if not text.callback or text.told_early == status:
        return
    made = call(world, text, status, error, moment)
    plan = world.faults.pick(world.rng, "twilio", "callback", to=text.to, status=status)
    held = text.held_back
    text.held_back = None
    if plan:
        _tell_badly(world, text, made, plan, moment)
    else:
        post(world, made)
    if held:
        post(world, held)


def call(world: World, text: Text, status: str, error: int | None, moment: float) -> Call:
    fields = params(world, text, status, error, moment)
    return Call("status", text.sid, text.callback or "", fields, world.new_uuid())


def post(world: World, made: Call, lane: str = "") -> None:
    world.post.enqueue(lane or made.about, lambda: calls.make(world, made))


def params(world: World, text: Text, status: str, error: int | None, moment: float) -> list[tuple[str, str]]:
    fields = [
        ("ApiVersion", "2010-04-01"),
        ("MessageStatus", status),
        ("SmsSid", text.sid),
        ("SmsStatus", status),
        ("To", text.to),
        ("From", text.sender or ""),
        ("MessageSid", text.sid),
        ("AccountSid", text.account),
    ]
    if text.service:
        fields.append(("MessagingServiceSid", text.service))
    if error:
        fields.append(("ErrorCode", str(error)))
    if status in ("delivered", "undelivered") and world.rng.random() < 0.5:
        fields.append(("RawDlrDoneDate", utc(moment).strftime("%y%m%d%H%M")))
    return fields


def _tell_badly(world: World, text: Text, made: Call, plan: Plan, moment: float) -> None:
    match plan.fault:
        case "cb_drop":
            return
        case "cb_delay":
            world.agenda.at(moment + plan.number("delay_s", 60), lambda _due: post(world, made))
        case "cb_reorder" if not text.is_final:
            text.held_back = made  # it goes out after the next one
        case "cb_replay":
            post(world, made)
            again = replace(made, note="replay")
            world.agenda.at(moment + plan.number("delay_s", 3600), lambda _due: post(world, again))
        case "cb_burst":
            for number in range(int(plan.number("n", 10))):
                post(world, made, f"{made.about} {number}")
        case _:
            for one in _versions(world, made, plan):
                post(world, one)


def _versions(world: World, made: Call, plan: Plan) -> list[Call]:
    """What goes out instead of the one call: copies, changed ones, forged ones beside the real one."""
    match plan.fault:
        case "cb_duplicate":
            return [made] * (1 + int(plan.number("n", 1)))
        case "cb_unknown_param":
            return [replace(made, params=[*made.params, ("SomeNewParam", "x")])]
        case "cb_unknown_status":
            return [_saying(made, "teleported"), made]
        case "cb_bad_signature":
            return [replace(_saying(made, "undelivered"), signature_kind="bad"), made]
        case "cb_old_token":
            return [replace(made, token=SECOND_TOKEN, signature_kind="old")]
        case "cb_other_account":
            foreign = _changed(made, AccountSid=FOREIGN_ACCOUNT)
            return [replace(foreign, token=FOREIGN_TOKEN, signature_kind="foreign"), made]
    return [made]


def _saying(made: Call, status: str) -> Call:
    return _changed(made, MessageStatus=status, SmsStatus=status)


def _changed(made: Call, **values: str) -> Call:
    return replace(made, params=[(name, values.get(name, value)) for name, value in made.params])
