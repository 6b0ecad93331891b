"""A mail as a mailbox shows it: subject, words, the HTML in a frame of its own, and how to unsubscribe."""

import base64
import binascii
import re

from sandbox.answers import Answer, Request, Route
from sandbox.phone.html import attribute, words
from sandbox.phone.visitors import is_local
from sandbox.sendgrid.mailroom import Mail
from sandbox.world import World

FRAME_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
)
"""Mail brings styles of its own. It is shown in a frame that can run nothing and fetch nothing."""


def letter(mail: Mail) -> str:
    sender = f"{mail.sender_name} <{mail.sender}>" if mail.sender_name else mail.sender
    return f"""<header class="letter"><h3>{words(mail.subject)}</h3>
<p class="from">{attribute(sender)}</p></header>
<p class="words">{words(mail.content("text/plain"))}</p>{_frame(mail)}{_files(mail)}{_headers(mail)}"""


def _frame(mail: Mail) -> str:
    if not mail.content("text/html"):
        return ""
    source = f"/phone/mail/{mail.message_id}/{mail.index}"
    return f"""<details class="html"><summary>Show as HTML</summary>
<iframe src="{source}" sandbox="allow-popups allow-popups-to-escape-sandbox" loading="lazy"
 title="The email as HTML"></iframe>
</details>"""


def _files(mail: Mail) -> str:
    links = "".join(
        f'<li><a href="/phone/file/{mail.message_id}/{mail.index}/{n}" download>{attribute(one["filename"])}</a></li>'
        for n, one in enumerate(mail.attachments)
    )
    return f'<ul class="files">{links}</ul>' if links else ""


def _headers(mail: Mail) -> str:
    shown = {name: value for name, value in mail.headers.items() if name.lower().startswith("list-unsubscribe")}
    rows = "".join(f"<dt>{attribute(name)}</dt><dd>{attribute(value)}</dd>" for name, value in shown.items())
    return f'<dl class="headers">{rows}</dl>' if rows else ""


def html_part(world: World, request: Request, message_id: str, index: str) -> Answer:
    mail = _find(world, message_id, int(index))
    if mail is None or not is_local(request):
        return Answer.of_text(404, "There is no such mail.")
    body = '<!doctype html><meta charset="utf-8"><base target="_blank">' + mail.content("text/html")
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": FRAME_POLICY,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return Answer(200, body.encode(), headers)


def attachment(world: World, request: Request, message_id: str, index: str, number: str) -> Answer:
    mail = _find(world, message_id, int(index))
    if mail is None or not is_local(request) or int(number) >= len(mail.attachments):
        return Answer.of_text(404, "There is no such file.")
    one = mail.attachments[int(number)]
    try:
        content = base64.b64decode(one["content"])
    except binascii.Error:
        content = b""
    filename = re.sub(r"[^A-Za-z0-9._-]", "_", one["filename"])
    headers = {
        "Content-Type": one.get("type") or "application/octet-stream",
        "Content-Disposition": f'attachment; filename="{filename}"',
        "X-Content-Type-Options": "nosniff",
    }
    return Answer(200, content, headers)


def _find(world: World, message_id: str, index: int) -> Mail | None:
    return next((one for one in world.mailroom.mails if one.message_id == message_id and one.index == index), None)


MAIL = r"(?P<message_id>[A-Za-z0-9_-]{22})/(?P<index>\d{1,4})"
ROUTES: list[Route] = [
    ("GET", rf"/phone/mail/{MAIL}", html_part),
    ("GET", rf"/phone/file/{MAIL}/(?P<number>\d{{1,3}})", attachment),
]
