"""Cookies that the application set: Twilio brings them back, for each pair of numbers, for four hours."""

from http.cookies import CookieError, SimpleCookie

from sandbox.post import Outcome
from sandbox.twilio.messages import Text
from sandbox.world import World

KEPT_FOR = 4 * 3600.0


def remember(world: World, text: Text, outcome: Outcome) -> bool:
    """Keep what an answer sets. Returns whether it set anything."""
    jar = SimpleCookie()
    for name, value in outcome.headers:
        if name.lower() == "set-cookie":
            try:
                jar.load(value)
            except CookieError:
                continue
    if jar:
        told = "; ".join(f"{name}={morsel.value}" for name, morsel in jar.items())
        world.texts.cookies[text.to, text.sender or ""] = (told, world.clock.now() + KEPT_FOR)
    return bool(jar)


def of(world: World, text: Text) -> str:
    """What to bring back with a text, or nothing."""
    told, until = world.texts.cookies.get((text.to, text.sender or ""), ("", 0.0))
    return told if world.clock.now() < until else ""
