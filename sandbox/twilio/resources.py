"""Reading, listing, redacting and deleting messages."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from urllib.parse import urlencode

from sandbox.answers import Answer, Request
from sandbox.config import TEST_ACCOUNT
from sandbox.twilio import access, lifecycle
from sandbox.twilio.messages import Text
from sandbox.twilio.refusals import RefusedError
from sandbox.world import World

ON_ITS_WAY = frozenset({"accepted", "scheduled", "queued", "sending"})
"""What cannot be redacted yet."""
SETTLES_AFTER = 60.0
"""A message can be deleted this many seconds after its final status."""


def fetch(world: World, request: Request, account: str, sid: str) -> Answer:
    return Answer.of_json(200, _find(world, request, account, sid).resource())


def media(world: World, request: Request, account: str, sid: str) -> Answer:
    _find(world, request, account, sid)
    return Answer.of_json(200, _page_of([], request, 0, 50, None, "media_list"))


def update(world: World, request: Request, account: str, sid: str) -> Answer:
    """Redact (an empty `Body`) or cancel (`Status=canceled`)."""
    with world.lock:
        text = _find(world, request, account, sid)
        form = request.form
        if ("Body" in form) == ("Status" in form) or form.get("Body"):
            raise RefusedError(30400)
        if "Body" in form:
            if text.status in ON_ITS_WAY:
                raise RefusedError(20009, http=world.config.delete_early_status)
            text.body = ""
            world.record("state_changes", provider_id=sid, recipient=text.to, status="redacted", error=None).wait()
        elif form["Status"] != "canceled":
            raise RefusedError(30400)
        elif text.status != "scheduled":
            raise RefusedError(30409)
        else:
            lifecycle.move(world, text, "canceled", world.clock.now())
        world.changed()
        return Answer.of_json(200, text.resource())


def delete(world: World, request: Request, account: str, sid: str) -> Answer:
    with world.lock:
        text = _find(world, request, account, sid)
        if text.direction != "inbound" and not _is_settled(world, text):
            raise RefusedError(20009, http=world.config.delete_early_status)
        world.texts.remove(text)
        world.record("state_changes", provider_id=sid, recipient=text.to, status="deleted", error=None).wait()
    return Answer(204)


def _is_settled(world: World, text: Text) -> bool:
    return text.is_final and world.clock.now() - (text.finished or text.created) >= SETTLES_AFTER


def _find(world: World, request: Request, account: str, sid: str) -> Text:
    access.check(request, account)
    if account == TEST_ACCOUNT:
        raise RefusedError(20005)
    text = world.texts.by_sid.get(sid)
    if text is None or text.account != account:
        raise RefusedError(20404, request.path)
    return text


def list_messages(world: World, request: Request, account: str) -> Answer:
    """Newest first. A page token names the message that a page ended with, so new ones do not shift the pages."""
    access.check(request, account)
    if account == TEST_ACCOUNT:
        raise RefusedError(20005)
    args = request.args
    size = max(1, min(1000, int(args["PageSize"]))) if args.get("PageSize", "").isdecimal() else 50
    page = int(args["Page"]) if args.get("Page", "").isdecimal() else 0
    with world.lock:
        found = list(islice(_after(_matching(world, request, account), args.get("PageToken", "")), size + 1))
    following = f"PA{found[size - 1].sid}" if len(found) > size else None
    return Answer.of_json(200, _page_of(found[:size], request, page, size, following, "messages"))


def _matching(world: World, request: Request, account: str) -> Iterator[Text]:
    args = request.args
    accepts = _date_filter(args)
    horizon = world.clock.now() - request.lag_seconds
    for text in world.texts.newest_first(args.get("To", "")):
        if text.account != account or text.created > horizon:
            continue
        if args.get("To", text.to) == text.to and args.get("From", text.sender) == text.sender and accepts(text.date):
            yield text


def _date_filter(args: dict[str, str]) -> Callable[[float | None], bool]:
    """`DateSent` filters. What has not been sent has no such date and never matches one."""
    low, high = _bound(args.get("DateSent>")), _bound(args.get("DateSent<"))
    day = _bound(args.get("DateSent"))
    if day is not None:
        low, high = day, day + 86_400
    if low is None and high is None:
        return lambda _sent: True
    return lambda sent: sent is not None and (low is None or sent >= low) and (high is None or sent <= high)


def _bound(text: str | None) -> float | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _after(texts: Iterator[Text], token: str) -> Iterator[Text]:
    if token:
        for text in texts:
            if f"PA{text.sid}" == token:
                break
    return texts


def _page_of(
    found: list[Text], request: Request, page: int, size: int, following: str | None, key: str
) -> dict[str, object]:
    def uri(**more: object) -> str:
        kept = {name: value for name, value in request.args.items() if name not in ("Page", "PageToken", "PageSize")}
        return f"{request.path}?{urlencode({**kept, 'PageSize': size, **more})}"

    return {
        "end": page * size + len(found) - 1 if found else 0,
        "first_page_uri": uri(Page=0),
        key: [text.resource() for text in found],
        "next_page_uri": uri(Page=page + 1, PageToken=following) if following else None,
        "page": page,
        "page_size": size,
        "previous_page_uri": uri(Page=page - 1) if page > 0 else None,
        "start": page * size,
        "uri": uri(Page=page),
    }
