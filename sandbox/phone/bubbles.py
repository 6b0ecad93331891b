"""A conversation as bubbles, and the box to answer in."""

from zoneinfo import ZoneInfo

from sandbox.phone.html import attribute, day, instant, words
from sandbox.phone.mail_view import letter
from sandbox.phone.thread import Bubble, bubbles
from sandbox.world import World

QUICK = ("C", "X", "STOP", "START", "HELP")


def conversation(world: World, person: str, zone: ZoneInfo) -> str:
    """Everything said, with a line where a day begins."""
    pieces, today = [], ""
    for bubble in bubbles(world, person):
        if day(bubble.moment, zone) != today:
            today = day(bubble.moment, zone)
            pieces.append(f'<p class="day" id="day-{attribute(today.replace(" ", "-"))}"><span>{today}</span></p>')
        pieces.append(_bubble(bubble, zone))
    return "".join(pieces) or '<p class="hint">Nothing yet. Write something below.</p>'


def _bubble(bubble: Bubble, zone: ZoneInfo) -> str:
    kind = "provider" if bubble.by_provider else "mail" if bubble.mail else "text"
    revision = attribute(bubble.revision)
    return (
        f'<article class="bubble {bubble.side} {kind}" id="m-{attribute(bubble.name)}" data-revision="{revision}">'
        f"{_inside(bubble)}<footer>{_footer(bubble, zone)}</footer></article>"
    )


def _inside(bubble: Bubble) -> str:
    if bubble.mail:
        return letter(bubble.mail)
    subject = f'<p class="subject">{words(bubble.subject)}</p>' if bubble.subject else ""
    if bubble.is_redacted:
        return '<p class="words gone">The words were deleted at the provider.</p>'
    return f'{subject}<p class="words">{words(bubble.body)}</p>'


def _footer(bubble: Bubble, zone: ZoneInfo) -> str:
    parts = [instant(bubble.moment, zone)]
    if bubble.by_provider:
        parts.append("sent by the carrier")
    if bubble.state:
        parts.append(f'<span class="{"trouble" if bubble.is_trouble else "state"}">{attribute(bubble.state)}</span>')
    if bubble.segments:
        parts.append(f"{bubble.segments} segment{'' if bubble.segments == 1 else 's'}")
    return " · ".join(parts)


def composer(person: str) -> str:
    """Two forms, so that Enter sends what was written and not the first quick key."""
    sender = f'<input type="hidden" name="from" value="{attribute(person)}">'
    if "@" in person:
        return f'<div class="composer">{_line("/phone/mail", sender, MAIL_BOX)}</div>'
    keys = "".join(f'<button type="submit" name="quick" value="{key}">{key}</button>' for key in QUICK)
    quick = f'<form class="quick" method="post" action="/phone/text" aria-label="Quick replies">{sender}{keys}</form>'
    return f'<div class="composer">{quick}{_line("/phone/text", sender, TEXT_BOX)}</div>'


def _line(action: str, sender: str, box: str) -> str:
    return f'''<form class="line" method="post" action="{action}">
{sender}{box}<button type="submit" class="primary">Send</button></form>'''


TEXT_BOX = '<input name="body" maxlength="1600" autocomplete="off" aria-label="Your reply" placeholder="Reply by text">'
MAIL_BOX = '<textarea name="body" rows="2" aria-label="Your reply" placeholder="Reply by email"></textarea>'
