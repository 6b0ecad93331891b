"""A mail as a mailbox shows it: subject, words, the HTML in a frame of its own, files, and how to unsubscribe."""

import base64
import binascii
import re

from sandbox.answers import Answer, Request, Route
from sandbox.phone import calendar
from sandbox.phone.html import CALENDAR, FILE, attribute, words
from sandbox.phone.visitors import is_local
from sandbox.sendgrid.mailroom import Mail
from sandbox.world import World

FRAME_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
)
"""Mail brings styles of its own. It is shown in a frame that can run nothing and fetch nothing."""


def letter(mail: Mail) -> str:
    sender = f"{mail.sender_name} <{mail.sender}>" if mail.sender_name else mail.sender
    return f"""<div class="letter"><h3>{words(mail.subject)}</h3>
<p class="from">{attribute(sender)} · answers go to {attribute(mail.reply_to)}</p>
<p class="plain">{words(mail.content("text/plain"))}</p>{_frame(mail)}{_files(mail)}{_unsubscribe(mail)}</div>"""


def _frame(mail: Mail) -> str:
    if not mail.content("text/html"):
        return ""
    source = f"/phone/mail/{mail.message_id}/{mail.index}"
    return f"""<details class="html"><summary>Show as HTML</summary>
<iframe src="{source}" sandbox="allow-popups allow-popups-to-escape-sandbox" loading="lazy"
 title="The email as HTML"></iframe>
</details>"""


def _files(mail: Mail) -> str:
    cards = "".join(_file(mail, number) for number in range(len(mail.attachments)))
    return f'<ul class="files">{cards}</ul>' if cards else ""


def _file(mail: Mail, number: int) -> str:
    one = mail.attachments[number]
    found = calendar.read(_content(one))
    title, detail, icon = one["filename"], "", FILE
    if found:
        icon, title = CALENDAR, found.title
        detail = " · ".join(piece for piece in (found.starts, found.place) if piece)
    small = f"<small>{attribute(detail)}</small>" if detail else ""
    return (
        f'<li><a href="/phone/file/{mail.message_id}/{mail.index}/{number}" download>{icon}'
        f"<span>{attribute(title)}{small}</span></a></li>"
    )


def _unsubscribe(mail: Mail) -> str:
    shown = {name: value for name, value in mail.headers.items() if name.lower().startswith("list-unsubscribe")}
    if not shown:
        return ""
    rows = "".join(f"<dt>{attribute(name)}</dt><dd>{attribute(value)}</dd>" for name, value in shown.items())
    button = ""
    if one_click_url(mail):
        button = f"""<form method="post" action="/phone/unsubscribe">
<input type="hidden" name="mail" value="{mail.message_id}/{mail.index}">
<button type="submit">Unsubscribe</button></form>"""
    return f'<div class="unsubscribe"><details><summary>Headers</summary><dl>{rows}</dl></details>{button}</div>'


def one_click_url(mail: Mail) -> str | None:
    """Where a mailbox would post to when somebody presses Unsubscribe (RFC 8058)."""
    headers = {name.lower(): value for name, value in mail.headers.items()}
    if headers.get("list-unsubscribe-post") != "List-Unsubscribe=One-Click":
        return None
    found = re.search(r"<(https?://[^>\s]+)>", headers.get("list-unsubscribe", ""))
    return found[1] if found else None


def html_part(world: World, request: Request, message_id: str, index: str) -> Answer:
    mail = world.mailroom.find(message_id, int(index))
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
    mail = world.mailroom.find(message_id, int(index))
    if mail is None or not is_local(request) or int(number) >= len(mail.attachments):
        return Answer.of_text(404, "There is no such file.")
    one = mail.attachments[int(number)]
    filename = re.sub(r"[^A-Za-z0-9._-]", "_", one["filename"])
    headers = {
        "Content-Type": one.get("type") or "application/octet-stream",
        "Content-Disposition": f'attachment; filename="{filename}"',
        "X-Content-Type-Options": "nosniff",
    }
    return Answer(200, _content(one), headers)


def _content(one: dict[str, str]) -> bytes:
    try:
        return base64.b64decode(one["content"])
    except binascii.Error:
        return b""


MAIL = r"(?P<message_id>[A-Za-z0-9_-]{22})/(?P<index>\d{1,4})"
ROUTES: list[Route] = [
    ("GET", rf"/phone/mail/{MAIL}", html_part),
    ("GET", rf"/phone/file/{MAIL}/(?P<number>\d{{1,3}})", attachment),
]
