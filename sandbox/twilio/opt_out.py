"""The provider's own opt-out machine: it blocks, unblocks and answers before the application hears of it."""

from sandbox.lives import Said
from sandbox.twilio.keywords import (
    HELP_ANSWER,
    START_ANSWER,
    START_WORDS,
    STOP_ANSWER,
    TOLL_FREE_START_ANSWER,
    TOLL_FREE_STOP_ANSWER,
    Keyword,
    understood,
)
from sandbox.world import World

TOLL_FREE_START_WORDS = frozenset({"START", "UNSTOP"})


def apply(world: World, person: str, number: str, body: str, moment: float) -> Keyword | None:
    """Block or unblock what a person's text asks for, and answer it. Returns what it was understood as."""
    kind = world.config.numbers.get(number, "long_code")
    if kind == "short_code":
        return None  # stand-alone short codes: the application does all of it
    words = TOLL_FREE_START_WORDS if kind == "toll_free" else START_WORDS
    keyword = understood(body, world.config.trim_match, words)
    if keyword is None:
        return None
    scope = world.config.service_of(number) or number
    was_blocked = (scope, person) in world.texts.blocked
    answer = _act(world, keyword, (scope, person), was_blocked, kind == "toll_free")
    if answer:
        _say(world, person, number, answer, moment)
    return keyword


def _act(world: World, keyword: Keyword, pair: tuple[str, str], was_blocked: bool, toll_free: bool) -> str | None:
    match keyword:
        case Keyword.STOP:
            block(world, pair)
            return TOLL_FREE_STOP_ANSWER if toll_free else None if was_blocked else STOP_ANSWER
        case Keyword.START:
            unblock(world, pair)
            return (TOLL_FREE_START_ANSWER if toll_free else START_ANSWER) if was_blocked else None
        case Keyword.HELP:
            return None if toll_free and was_blocked else HELP_ANSWER


def block(world: World, pair: tuple[str, str]) -> None:
    world.texts.blocked.add(pair)
    world.record("state_changes", provider_id=pair[0], recipient=pair[1], status="blocked", error=None)


def unblock(world: World, pair: tuple[str, str]) -> None:
    if pair in world.texts.blocked:
        world.texts.blocked.discard(pair)
        world.record("state_changes", provider_id=pair[0], recipient=pair[1], status="unblocked", error=None)


def _say(world: World, person: str, number: str, answer: str, moment: float) -> None:
    world.record(
        "said",
        moment,
        who="provider",
        channel="sms",
        provider_id=world.new_sid("SM"),
        sender=number,
        recipient=person,
        body=answer,
    )
    world.lives.hear(person, Said("provider", "sms", number, answer, moment))
    world.changed(person)
