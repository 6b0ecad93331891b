"""Requests that are broken: refused, lost, taken over and not answered, taken over late, answered with rubbish."""

import time
from collections.abc import Callable
from dataclasses import replace

from sandbox.answers import Answer, Held, Request, Reset, Silence, Trickle
from sandbox.faults import magic
from sandbox.faults.plans import Plan
from sandbox.sendgrid.access import RefusedError as SendGridRefused
from sandbox.twilio import callbacks, calls
from sandbox.twilio.orders import normalised
from sandbox.twilio.refusals import RefusedError as TwilioRefused
from sandbox.world import World

Accept = Callable[[], Answer]

EDGE_PAGE = "<html><head><title>{0}</title></head><body><center><h1>{0}</h1></center></body></html>\r\n"
HOLD_SECONDS = 30.0


def plan_for(world: World, provider: str, op: str, request: Request) -> Plan | None:
    """What is to go wrong with this request: by plan first, by recipient otherwise."""
    facts = _facts(provider, request)
    with world.lock:
        planned = world.faults.pick(world.rng, provider, op, **facts)
    return planned or (magic.plan_for(facts["to"]) if op in ("create", "mail_send") else None)


def _facts(provider: str, request: Request) -> dict[str, str]:
    if provider == "twilio":
        told = {**request.args, **request.form}
        return {"to": normalised(told.get("To", "")), "from": told.get("From", ""), "body": told.get("Body", "")}
    mail = request.json()
    try:
        return {
            "to": mail["personalizations"][0]["to"][0]["email"].lower(),
            "from": mail["from"]["email"],
            "body": mail["content"][0]["value"],
            "subject": str(mail.get("subject", "")),
        }
    except (KeyError, IndexError, TypeError, AttributeError):
        return {"to": "", "from": "", "body": ""}


def broken(world: World, plan: Plan, provider: str, request: Request, accept: Accept) -> Answer:
    """Answer a request as the plan says. `accept` takes it over for real."""
    request.fault = plan.fault
    if refuse := REFUSALS.get(plan.fault):
        return _noted(world, plan, provider, request, refuse(plan, provider))
    return DEFORMED[plan.fault](world, plan, provider, request, accept)


def _noted(world: World, plan: Plan, provider: str, request: Request, answer: Answer) -> Answer:
    """What a fault keeps from being accepted is written down as refused."""
    world.record(
        "refused",
        provider=provider,
        op="fault",
        to_norm=_facts(provider, request)["to"],
        http=answer.status,
        fault=plan.fault,
        request_sha256=request.sha256,
    )
    return answer


def _too_many(plan: Plan, provider: str) -> Answer:
    answer = _error(provider, 429, 20429, "too many requests")
    return replace(answer, headers={**answer.headers, **_waiting(plan)})


def _too_many_page(plan: Plan, provider: str) -> Answer:
    answer = Answer.of_text(429, EDGE_PAGE.format("429 Too Many Requests"), "text/html")
    return replace(answer, headers={**answer.headers, **_waiting(plan)})


def _waiting(plan: Plan) -> dict[str, str]:
    names = {"retry_after": "Retry-After", "reset": "X-RateLimit-Reset"}
    return {names[name]: str(plan.args[name]) for name in names if name in plan.args}


def _queue_full(plan: Plan, provider: str) -> Answer:
    return TwilioRefused(21611).answer()


def _revoked(plan: Plan, provider: str) -> Answer:
    kind = plan.args.get("kind", "grant")
    if provider == "twilio":
        return TwilioRefused(20003, http=403 if kind == "403" else 401).answer()
    texts = {
        "grant": (401, "The provided authorization grant is invalid, expired, or revoked"),
        "credits": (401, "Maximum credits exceeded"),
        "403": (403, "access forbidden"),
    }
    return SendGridRefused(*texts[kind]).answer()


def _refuse(plan: Plan, provider: str) -> Answer:
    """Any code of Twilio's, or any field of SendGrid's."""
    http = plan.args.get("status")
    if provider == "twilio":
        return TwilioRefused(int(plan.args.get("code", 30400)), http=http).answer()
    message = str(plan.args.get("message", "Bad Request"))
    return SendGridRefused(int(http or 400), message, field=plan.args.get("field")).answer()


def _problem(plan: Plan, provider: str) -> Answer:
    status = int(plan.args.get("status", 503))
    body = {
        "type": "https://www.twilio.com/docs/api/errors/20503",
        "title": "Service unavailable",
        "status": status,
        "code": 20503,
        "detail": "Try again later",
    }
    return Answer.of_json(status, body, {"Content-Type": "application/problem+json"})


def _wrong_status(plan: Plan, provider: str) -> Answer:
    status = int(plan.args.get("status", 200))
    headers = {"Location": str(plan.args.get("location", "/elsewhere"))} if 300 <= status < 400 else {}
    return Answer.of_json(status, {}, headers)


def _reset(plan: Plan, provider: str) -> Answer:
    return Answer(manner=Reset())


def _silence(plan: Plan, provider: str) -> Answer:
    return Answer(manner=Silence(plan.number("hold_s", HOLD_SECONDS)))


def _reading_fails(plan: Plan, provider: str) -> Answer:
    return _error(provider, int(plan.args.get("status", 503)), 20503, "Service unavailable")


REFUSALS: dict[str, Callable[[Plan, str], Answer]] = {
    "http_429_json": _too_many,
    "http_429_html": _too_many_page,
    "queue_full": _queue_full,
    "refuse": _refuse,
    "auth_revoked": _revoked,
    "rfc9457_error": _problem,
    "wrong_status": _wrong_status,
    "reset_before_accept": _reset,
    "timeout_before_accept": _silence,
    "api_list_down": _reading_fails,
}


def _failure(world: World, plan: Plan, provider: str, request: Request, accept: Accept) -> Answer:
    status = int(plan.args.get("status", 500))
    answer = _failed(plan, provider, status)
    if plan.args.get("accepted"):
        return replace(answer, when_out=_not_got(accept()))
    return _noted(world, plan, provider, request, answer)


def _failed(plan: Plan, provider: str, status: int) -> Answer:
    match plan.args.get("body", "json"):
        case "html":
            return Answer.of_text(status, EDGE_PAGE.format(f"{status} Server Error"), "text/html")
        case "empty":
            return Answer(status)
    return _error(provider, status, 20503 if status == 503 else 20500, "Internal Server Error")


def _reset_after(world: World, plan: Plan, provider: str, request: Request, accept: Accept) -> Answer:
    return replace(accept(), manner=Reset())


def _silence_after(world: World, plan: Plan, provider: str, request: Request, accept: Accept) -> Answer:
    return replace(accept(), manner=Silence(plan.number("hold_s", HOLD_SECONDS)))


def _late(world: World, plan: Plan, provider: str, request: Request, accept: Accept) -> Answer:
    """Held past the client's patience, and taken over only then."""
    time.sleep(plan.number("delay_s", HOLD_SECONDS))
    return replace(accept(), manner=Held(0.0))


def _slowly(world: World, plan: Plan, provider: str, request: Request, accept: Accept) -> Answer:
    answer = accept()
    return replace(answer, body=answer.body or b" " * 30, manner=Trickle(plan.number("seconds_per_byte", 1.0)))


def _cut(world: World, plan: Plan, provider: str, request: Request, accept: Accept) -> Answer:
    return _without_id(accept(), lambda body: body[: len(body) // 2])


def _page(world: World, plan: Plan, provider: str, request: Request, accept: Accept) -> Answer:
    return _without_id(accept(), lambda _body: b"<html>OK</html>")


def _empty(world: World, plan: Plan, provider: str, request: Request, accept: Accept) -> Answer:
    return _without_id(accept(), lambda _body: b"")


def _told_first(world: World, plan: Plan, provider: str, request: Request, accept: Accept) -> Answer:
    """The first status callback reaches the application before the answer does."""
    answer = accept()
    sid = str(Request("", "", "", request.headers, answer.body).json().get("sid", "")) if answer.body else ""
    text = world.texts.by_sid.get(sid)
    if text and text.callback:
        with world.lock:
            status = "queued" if text.service else "sent"
            text.told_early = status
            call = callbacks.call(world, text, status, None, world.clock.now())
        calls.make(world, call)
    return answer


def _stale(world: World, plan: Plan, provider: str, request: Request, accept: Accept) -> Answer:
    request.lag_seconds = plan.number("lag_s", 60.0)
    return accept()


DEFORMED: dict[str, Callable[[World, Plan, str, Request, Accept], Answer]] = {
    "http_5xx": _failure,
    "reset_after_accept": _reset_after,
    "timeout_after_accept": _silence_after,
    "accept_late": _late,
    "slow_body": _slowly,
    "truncated_json": _cut,
    "not_json": _page,
    "empty_201": _empty,
    "cb_before_response": _told_first,
    "list_stale": _stale,
}


def _without_id(answer: Answer, deform: Callable[[bytes], bytes]) -> Answer:
    """An answer from which the client cannot learn the message's name."""
    headers = {name: value for name, value in answer.headers.items() if name != "X-Message-Id"}
    return replace(answer, body=deform(answer.body), headers=headers, when_out=_not_got(answer))


def _not_got(answer: Answer) -> Callable[[bool], None] | None:
    """Whatever goes out, the client did not learn that its message was taken over."""
    told = answer.when_out
    return (lambda _got: told(False)) if told else None


def _error(provider: str, status: int, code: int, message: str) -> Answer:
    if provider == "twilio":
        return TwilioRefused(code, http=status).answer()
    return SendGridRefused(status, message).answer()
