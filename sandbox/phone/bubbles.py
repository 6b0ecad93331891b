"""A conversation as bubbles, and the box to answer in."""

from sandbox.phone.html import attribute, day, instant, words
from sandbox.phone.mail_view import letter
from sandbox.phone.thread import Bubble, bubbles
from sandbox.world import World

QUICK = ("C", "X", "STOP", "START", "HELP")


def conversation(world: World, person: str) -> str:
    """Everything said, with a line where a day begins."""
    pieces, today = [], ""
    for bubble in bubbles(world, person):
        if day(bubble.moment) != today:
            today = day(bubble.moment)
            pieces.append(f'<p class="day" id="day-{attribute(today.replace(" ", "-"))}"><span>{today}</span></p>')
        pieces.append(_bubble(bubble))
    return "".join(pieces) or '<p class="hint">Nothing yet. Write something below.</p>'


def _bubble(bubble: Bubble) -> str:
    kind = "provider" if bubble.by_provider else "mail" if bubble.mail else "text"
    return (
        f'<article class="bubble {bubble.side} {kind}" id="m-{attribute(bubble.name)}" '
        f'data-revision="{attribute(bubble.revision)}">{_inside(bubble)}<footer>{_footer(bubble)}</footer></article>'
    )


def _inside(bubble: Bubble) -> str:
    if bubble.mail:
        return letter(bubble.mail)
    subject = f'<p class="subject">{words(bubble.subject)}</p>' if bubble.subject else ""
    if bubble.is_redacted:
        return '<p class="words gone">The words were deleted at the provider.</p>'
    return f'{subject}<p class="words">{words(bubble.body)}</p>'


def _footer(bubble: Bubble) -> str:
    parts = [instant(bubble.moment)]
    if bubble.by_provider:
        parts.append("sent by the carrier")
    if bubble.state:
        parts.append(f'<span class="{"trouble" if bubble.is_trouble else "state"}">{attribute(bubble.state)}</span>')
    if bubble.segments:
        parts.append(f"{bubble.segments} segment{'' if bubble.segments == 1 else 's'}")
    return " · ".join(parts)


def composer(world: World, person: str) -> str:
    is_mail = "@" in person
    action = "/phone/mail" if is_mail else "/phone/text"
    quick = "" if is_mail else _quick_keys()
    field = (
        '<textarea name="body" rows="2" aria-label="Your reply" placeholder="Reply by email"></textarea>'
        if is_mail
        else '<input name="body" maxlength="1600" autocomplete="off" aria-label="Your reply" placeholder="Reply">'
    )
    return f"""<form class="composer" method="post" action="{action}">
<input type="hidden" name="from" value="{attribute(person)}">
{quick}
<div class="line">{field}<button type="submit" class="primary" aria-label="Send">Send</button></div>
</form>"""


def _quick_keys() -> str:
    keys = "".join(f'<button type="submit" name="quick" value="{key}" formnovalidate>{key}</button>' for key in QUICK)
    return f'<div class="quick" role="group" aria-label="Quick replies">{keys}</div>'
