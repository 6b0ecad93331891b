"""A mail is handed in: checked, written down for each recipient, answered, and sent on its way."""

import hashlib
import json
from typing import Any

from sandbox.answers import Answer, Request
from sandbox.ledger import Ticket
from sandbox.sendgrid import access, journey
from sandbox.sendgrid.mailroom import Mail
from sandbox.sendgrid.validation import Problem, people, problems
from sandbox.world import World

MAX_REQUEST = 30 * 1024 * 1024
TOO_LARGE = (
    "<html>\r\n<head><title>413 Request Entity Too Large</title></head>\r\n<body>\r\n"
    "<center><h1>413 Request Entity Too Large</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)
UNVERIFIED = (
    "The from address does not match a verified Sender Identity. Mail cannot be sent until this error is resolved. "
    "Visit https://sendgrid.com/docs/for-developers/sending-email/sender-identity/ to see what is required"
)
HEADERS = {
    "Server": "nginx",
    "Access-Control-Allow-Origin": "https://sendgrid.api-docs.io",
    "Access-Control-Allow-Methods": "POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, On-behalf-of, x-sg-elas-acl",
    "Access-Control-Max-Age": "600",
    "X-No-CORS-Reason": "https://sendgrid.com/docs/Classroom/Basics/API/cors.html",
    "Strict-Transport-Security": "max-age=600; includeSubDomains",
}


def send(world: World, request: Request) -> Answer:
    if len(request.body) > MAX_REQUEST:
        return Answer.of_text(413, TOO_LARGE, "text/html")
    access.check(world, request)
    if unread := _unreadable(request):
        return unread
    payload = request.json()
    if found := problems(payload, world.clock.now()):
        return _refused(world, request, payload, found)
    _check_senders(world, payload)
    if _is_trial(payload):
        return Answer(200, headers=HEADERS)
    return _accept(world, request, payload)


def _accept(world: World, request: Request, payload: dict[str, Any]) -> Answer:
    with world.lock:
        message_id = world.new_id(22)
        mails = list(_mails(world, payload, message_id))
        tickets = [_record(world, request, mail) for mail in mails]
    for ticket in tickets:
        ticket.wait()  # on the disk before the first byte of the answer
    with world.lock:
        for mail in mails:
            world.mailroom.add(mail)
            journey.begin(world, mail)
            world.changed(mail.to)
    answer = Answer(202, headers={**HEADERS, "X-Message-Id": message_id})
    answer.when_out = lambda got: world.ledger.mark_answered([ticket.seq for ticket in tickets], got)
    return answer


def _mails(world: World, payload: dict[str, Any], message_id: str) -> list[Mail]:
    found: list[Mail] = []
    for one in people(payload):
        recipients = [*one["to"], *one.get("cc", []), *one.get("bcc", [])]
        for person in recipients:
            found.append(
                Mail(
                    message_id=message_id,
                    index=len(found),
                    to=person["email"].lower(),
                    subject=one.get("subject") or payload.get("subject") or "",
                    created=world.clock.now(),
                    payload=payload,
                    personalization=one,
                )
            )
    return found


def _record(world: World, request: Request, mail: Mail) -> Ticket:
    text = mail.content("text/plain") or mail.content("text/html")
    return world.record(
        "accepted",
        mail.created,
        provider="sendgrid",
        provider_id=mail.message_id,
        account="sendgrid",
        to_norm=mail.to,
        **{"from": mail.sender},
        channel_body_sha256=hashlib.sha256(f"email\n{mail.subject}\n{text}".encode()).hexdigest(),
        body=text,
        subject=mail.subject,
        app_message_id=mail.custom_args.get("mid"),
        request_sha256=request.sha256,
        client_got_answer=None,
        fault=request.fault,
        user_agent=request.header("User-Agent"),
        peer_port=request.peer_port,
        direction="outbound-api",
        detail=json.dumps({"index": mail.index, "payload": mail.payload, "personalization": mail.personalization}),
    )


def _check_senders(world: World, payload: dict[str, Any]) -> None:
    """Mail may come from verified senders only."""
    known = world.config.verified_senders
    for one in [payload, *people(payload)]:
        address = str((one.get("from") or payload["from"])["email"]).lower()
        if known is not None and not {address, address.partition("@")[2]} & set(known):
            raise access.RefusedError(403, UNVERIFIED, field="from")


def _unreadable(request: Request) -> Answer | None:
    try:
        request.body.decode()
    except UnicodeDecodeError:
        return access.RefusedError(415, "The request body is not valid UTF-8").answer()
    if not request.header("Content-Type").lower().startswith("application/json"):
        return access.RefusedError(415, "Content-Type should be application/json.").answer()
    return None


def _refused(world: World, request: Request, payload: Any, found: list[Problem]) -> Answer:
    addresses = [person.get("email") for one in people(payload) for person in one.get("to") or []] if payload else []
    world.record(
        "refused",
        provider="sendgrid",
        op="mail_send",
        to_norm=next(iter(addresses), None),
        http=400,
        field=found[0].field,
        fault=request.fault,
        request_sha256=request.sha256,
    )
    return Answer.of_json(400, {"errors": [problem.as_json() for problem in found]})


def _is_trial(payload: dict[str, Any]) -> bool:
    """Sandbox mode, in SendGrid's own sense: checked, and not sent."""
    settings = payload.get("mail_settings") or {}
    return bool((settings.get("sandbox_mode") or {}).get("enable"))
