"""The phone's pages and the forms on them."""

from pathlib import Path
from zoneinfo import ZoneInfo

from sandbox.answers import Answer, Request, Route
from sandbox.phone import actions, mail_view
from sandbox.phone.bubbles import composer, conversation
from sandbox.phone.html import LOCK, attribute, avatar, clock_time, day, href, name_of, short_day
from sandbox.phone.thread import last_line, lock_screen
from sandbox.phone.visitors import is_local
from sandbox.phone.zone import keeping, said, zone_of
from sandbox.world import World

STATIC = Path(__file__).parent / "static"
KINDS = {
    ".css": {"Content-Type": "text/css; charset=utf-8"},
    ".js": {"Content-Type": "text/javascript; charset=utf-8"},
    ".svg": {"Content-Type": "image/svg+xml"},
    ".woff2": {"Content-Type": "font/woff2", "Cache-Control": "max-age=86400"},
}
SHOWN = 200
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SECURITY = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


def page(world: World, request: Request) -> Answer:
    """The list of people, and one person's screen. 304 when nothing has happened since."""
    if not is_local(request):
        return Answer.of_text(421, "Open the phone at 127.0.0.1 or localhost.")
    zone = zone_of(request)
    tag = f'"{world.born:.0f}-{world.version}-{int(world.clock.now() // 60)}-{zone.key}"'
    headers = {**SECURITY, **keeping(request), "ETag": tag}
    if request.header("If-None-Match") == tag:
        return Answer(304, headers=headers)
    person = request.args.get("with", "")
    with world.lock:
        body = _document(world, person, zone)
    return Answer(200, body.encode(), {**headers, "Content-Type": "text/html; charset=utf-8"})


def static(world: World, request: Request, name: str) -> Answer:
    path = STATIC / name
    if path.suffix not in KINDS or not path.is_file():
        return Answer.of_text(404, "There is no such file.")
    return Answer(200, path.read_bytes(), {**SECURITY, **KINDS[path.suffix]})


def _document(world: World, person: str, zone: ZoneInfo) -> str:
    title = name_of(person) if person else "Phone"
    opened = " has-thread" if person else ""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<title>{attribute(title)} · Practice phone</title>
<meta name="color-scheme" content="light dark">
<link rel="icon" href="/static/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/static/phone.css">
<script src="/static/phone.js" defer></script>
</head>
<body class="phone{opened}">
<aside class="people" aria-label="People">
{_header(world, zone)}
<nav id="people" aria-label="Conversations">{_people(world, person, zone)}</nav>
{_new_number()}
</aside>
<main>{_screen(world, person, zone)}</main>
</body>
</html>
"""


def _header(world: World, zone: ZoneInfo) -> str:
    now = world.clock.now()
    rate = f" · {world.clock.rate:g}× speed" if world.clock.rate != 1 else ""
    return f"""<header class="brand">
<img src="/static/icon.svg" alt="" width="36" height="36">
<div><h1><a href="/">Practice phone</a></h1>
<p id="clock">{day(now, zone)[:3]} {short_day(now, zone)}, {clock_time(now, zone)} {said(zone)}{rate}</p></div>
</header>"""


def _people(world: World, chosen: str, zone: ZoneInfo) -> str:
    people = world.lives.newest_first(SHOWN)
    if not people:
        return """<p class="hint">Nobody has been messaged yet. As soon as Groupkeeper sends a text or an email,
the person who gets it appears here.</p>"""
    everybody = frozenset(person for person, _ in people)
    now = world.clock.now()
    rows = (
        _person(world, person, chosen, everybody, clock_time(at, zone) if now - at < 86_400 else short_day(at, zone))
        for person, at in people
    )
    return f"<ul>{''.join(rows)}</ul>"


def _person(world: World, person: str, chosen: str, everybody: frozenset[str], when: str) -> str:
    current = ' aria-current="page"' if person == chosen else ""
    return f"""<li id="person-{attribute(person)}"><a href="{href(**{"with": person})}"{current}>{avatar(person)}
<span class="who"><strong>{attribute(name_of(person, everybody))}</strong>
<span class="last">{attribute(last_line(world, person)[:80])}</span></span>
<span class="when">{when}</span></a></li>"""


def _new_number() -> str:
    return """<details class="new">
<summary>Text from a new number</summary>
<form method="post" action="/phone/text" data-live="no">
<label for="new-from">Number</label>
<input id="new-from" name="from" inputmode="tel" placeholder="+12025550143" required pattern="\\+[0-9]{7,15}"
 title="A plus sign and 7 to 15 digits">
<label for="new-body">Message</label>
<input id="new-body" name="body" autocomplete="off" required maxlength="1600">
<button type="submit" class="primary">Send text</button>
</form>
</details>"""


def _screen(world: World, person: str, zone: ZoneInfo) -> str:
    if not person:
        return """<div class="empty"><img src="/static/icon.svg" alt="" width="64" height="64">
<h2>What members see</h2>
<p>Every text and email that Groupkeeper sends arrives on this phone. Choose a person to read theirs and to answer as
they would. Nothing leaves this computer.</p></div>"""
    everybody = frozenset(other for other, _ in world.lives.newest_first(SHOWN)) | {person}
    return f"""<section class="thread" aria-labelledby="thread-name">
<header><a class="back" href="/" aria-label="All people">‹</a>{avatar(person)}
<h2 id="thread-name">{attribute(name_of(person, everybody))}</h2>{actions.menu(world, person)}</header>
<div id="lock">{_lock_screen(world, person)}</div>
<div id="bubbles" role="log" aria-label="Messages" tabindex="0">{conversation(world, person, zone)}</div>
{composer(person)}
</section>"""


def _lock_screen(world: World, person: str) -> str:
    line = lock_screen(world, person)
    if not line:
        return ""
    return f'<p class="lock">{LOCK}<span>On the lock screen</span> <q>{attribute(line)}</q></p>'


ROUTES: list[Route] = [
    ("GET", r"/", page),
    ("GET", r"/static/(?P<name>[a-z-]+\.[a-z0-9]+)", static),
    *actions.ROUTES,
    *mail_view.ROUTES,
]
