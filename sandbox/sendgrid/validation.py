"""What SendGrid objects to in a mail. It names every problem, not the first alone."""

import base64
import binascii
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

MAX_PERSONALIZATIONS = 1000
MAX_RECIPIENTS = 1000
MAX_CUSTOM_ARGS = 10_000
MAX_AHEAD = 72 * 3600
RESERVED_HEADERS = frozenset(
    [
        "x-sg-id",
        "x-sg-eid",
        "received",
        "dkim-signature",
        "content-type",
        "content-transfer-encoding",
        "to",
        "from",
        "subject",
        "reply-to",
        "cc",
        "bcc",
    ]
)
HELP = "http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html"


@dataclass(frozen=True)
class Problem:
    """What is wrong, and where."""

    message: str
    field: str | None

    def as_json(self) -> dict[str, str | None]:
        return {"message": self.message, "field": self.field, "help": HELP if self.field else None}


Problems = Iterator[Problem]


def problems(mail: Any, now: float) -> list[Problem]:
    """Everything that is wrong with a request to send mail."""
    if not isinstance(mail, dict):
        return [Problem("Bad Request", None)]
    return [problem for rule in RULES for problem in rule(mail)] + list(_send_at(mail, now))


def is_address(text: object) -> bool:
    return (
        isinstance(text, str)
        and len(text) <= 320
        and re.fullmatch(r"[^@\s<>,;\"]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", text) is not None
    )


def people(mail: dict[str, Any]) -> list[dict[str, Any]]:
    found = mail.get("personalizations")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _personalizations(mail: dict[str, Any]) -> Problems:
    field = "personalizations"
    found = people(mail)
    if not found:
        yield Problem("The personalizations field is required and must have at least one personalization.", field)
    if len(found) > MAX_PERSONALIZATIONS:
        yield Problem(f"There are too many personalizations. The most is {MAX_PERSONALIZATIONS}.", field)
    if sum(len(_list(one, kind)) for one in found for kind in ("to", "cc", "bcc")) > MAX_RECIPIENTS:
        yield Problem(f"There are too many recipients. The most is {MAX_RECIPIENTS}.", field)


def _recipients(mail: dict[str, Any]) -> Problems:
    for number, one in enumerate(people(mail)):
        field = f"personalizations.{number}.to"
        if not _list(one, "to"):
            yield Problem(
                "The to array is required for all personalization objects, and must have at least one email object "
                "with a valid email address.",
                field,
            )
        yield from _addresses(one, f"personalizations.{number}")
        yield from _duplicates(one, field)


def _addresses(one: dict[str, Any], prefix: str) -> Problems:
    for kind in ("to", "cc", "bcc"):
        for place, person in enumerate(_list(one, kind)):
            if not is_address(person.get("email") if isinstance(person, dict) else None):
                yield Problem("Does not contain a valid address.", f"{prefix}.{kind}.{place}.email")


def _duplicates(one: dict[str, Any], field: str) -> Problems:
    everybody = [person for kind in ("to", "cc", "bcc") for person in _list(one, kind) if isinstance(person, dict)]
    counts = Counter(str(person.get("email")).lower() for person in everybody)
    for address, times in counts.items():
        if times > 1:
            yield Problem(
                "Each email address in the personalization block should be unique between to, cc, and bcc. "
                f"We found the first duplicate instance of [{address}] in the {field} field.",
                field,
            )


def _sender(mail: dict[str, Any]) -> Problems:
    sender = mail.get("from")
    if not isinstance(sender, dict) or not sender.get("email"):
        yield Problem(
            "The from object must be provided for every email send. It is an object that requires the email "
            "parameter, but may also contain a name parameter.",
            "from.email",
        )
    elif not is_address(sender["email"]):
        yield Problem("The from email does not contain a valid address.", "from.email")


def _reply_to(mail: dict[str, Any]) -> Problems:
    if mail.get("reply_to") and mail.get("reply_to_list"):
        yield Problem("Only one of reply_to and reply_to_list may be used.", "reply_to")
    one = mail.get("reply_to")
    if one is not None and not is_address(one.get("email") if isinstance(one, dict) else None):
        yield Problem("The reply_to email does not contain a valid address.", "reply_to.email")
    for place, person in enumerate(_list(mail, "reply_to_list")):
        if not is_address(person.get("email") if isinstance(person, dict) else None):
            yield Problem("The reply_to email does not contain a valid address.", f"reply_to_list.{place}.email")


def _subject(mail: dict[str, Any]) -> Problems:
    everybody_has_one = all(one.get("subject") for one in people(mail)) and people(mail)
    if not (mail.get("subject") or mail.get("template_id") or everybody_has_one):
        yield Problem(
            "The subject is required. You can get around this requirement if you use a template with a subject "
            "defined or if every personalization has a subject defined.",
            "subject",
        )


def _content(mail: dict[str, Any]) -> Problems:
    parts = _list(mail, "content")
    if not parts and not mail.get("template_id"):
        yield Problem(
            "Unless a valid template_id is provided, the content parameter is required. There must be at least one "
            "defined content block.",
            "content",
        )
    for place, part in enumerate(parts):
        if not isinstance(part, dict) or not isinstance(part.get("type"), str) or not part["type"]:
            yield Problem("The content type is required.", f"content.{place}.type")
        elif not isinstance(part.get("value"), str) or not part["value"]:
            yield Problem(
                "The content value must be a string at least one character in length.", f"content.{place}.value"
            )
    kinds = [part.get("type") for part in parts if isinstance(part, dict)]
    if kinds != sorted(kinds, key=lambda kind: {"text/plain": 0, "text/html": 1}.get(str(kind), 2)):
        yield Problem("If present, text/plain must be first, followed by text/html, followed by any other.", "content")


def _attachments(mail: dict[str, Any]) -> Problems:
    for place, one in enumerate(_list(mail, "attachments")):
        field = f"attachments.{place}"
        if not isinstance(one, dict) or not one.get("content") or not _is_base64(one["content"]):
            yield Problem("The attachment content must be base64 encoded.", f"{field}.content")
            continue
        if not one.get("filename"):
            yield Problem("The attachment filename is required.", f"{field}.filename")
        if re.search(r"[;\r\n]", str(one.get("type", ""))):
            yield Problem("The attachment type cannot contain ';', or CRLF characters.", f"{field}.type")
        if one.get("disposition", "attachment") not in ("attachment", "inline"):
            yield Problem("The disposition must be attachment or inline.", f"{field}.disposition")


def _headers(mail: dict[str, Any]) -> Problems:
    places = [("headers", mail), *((f"personalizations.{n}.headers", one) for n, one in enumerate(people(mail)))]
    for field, holder in places:
        headers = holder.get("headers", {})
        if not isinstance(headers, dict):
            yield Problem("The headers must be an object.", field)
            continue
        for name, value in headers.items():
            if name.lower() in RESERVED_HEADERS:
                yield Problem(f"The header {name} is reserved and cannot be used.", f"{field}.{name}")
            elif not name.isascii() or not isinstance(value, str) or re.search(r"[\r\n]", name + value):
                yield Problem("Header names must be ASCII and values must be strings.", f"{field}.{name}")


def _categories(mail: dict[str, Any]) -> Problems:
    names = _list(mail, "categories")
    if len(names) > 10 or len(set(map(str, names))) != len(names):
        yield Problem("There can be at most 10 categories, each given once.", "categories")
    for place, name in enumerate(names):
        if not isinstance(name, str) or not name.isascii() or len(name) > 255:
            yield Problem("A category is at most 255 ASCII characters.", f"categories.{place}")


def _custom_args(mail: dict[str, Any]) -> Problems:
    for field, holder in [
        ("custom_args", mail),
        *((f"personalizations.{n}.custom_args", one) for n, one in enumerate(people(mail))),
    ]:
        args = holder.get("custom_args", {})
        if not isinstance(args, dict) or not all(isinstance(value, str) for value in args.values()):
            yield Problem("The custom_args values must be strings.", field)
        elif len(str(args).encode()) > MAX_CUSTOM_ARGS:
            yield Problem("The custom_args must be at most 10000 bytes.", field)


def _asm(mail: dict[str, Any]) -> Problems:
    asm = mail.get("asm")
    if asm is None:
        return
    if not isinstance(asm, dict) or not isinstance(asm.get("group_id"), int):
        yield Problem("The asm group_id must be an integer.", "asm.group_id")
    elif len(_list(asm, "groups_to_display")) > 25:
        yield Problem("There can be at most 25 groups to display.", "asm.groups_to_display")


def _pool(mail: dict[str, Any]) -> Problems:
    name = mail.get("ip_pool_name")
    if name is not None and not 2 <= len(str(name)) <= 64:
        yield Problem("The ip_pool_name must be between 2 and 64 characters.", "ip_pool_name")


def _send_at(mail: dict[str, Any], now: float) -> Problems:
    for field, holder in [
        ("send_at", mail),
        *((f"personalizations.{n}.send_at", one) for n, one in enumerate(people(mail))),
    ]:
        at = holder.get("send_at")
        if at is not None and (not isinstance(at, int) or at > now + MAX_AHEAD):
            yield Problem("The send_at must be a time within the next 72 hours.", field)


RULES: list[Callable[[dict[str, Any]], Problems]] = [
    _personalizations,
    _recipients,
    _sender,
    _reply_to,
    _subject,
    _content,
    _attachments,
    _headers,
    _categories,
    _custom_args,
    _asm,
    _pool,
]


def _list(holder: dict[str, Any], name: str) -> list[Any]:
    found = holder.get(name)
    return found if isinstance(found, list) else []


def _is_base64(text: object) -> bool:
    try:
        return bool(base64.b64decode(str(text), validate=True))
    except (binascii.Error, ValueError):
        return False
