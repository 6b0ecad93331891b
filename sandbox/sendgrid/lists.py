"""Suppression lists: who bounced, blocked, complained or unsubscribed."""

from typing import Any

from sandbox.answers import Answer, Request, Route
from sandbox.sendgrid.access import RefusedError, check
from sandbox.sendgrid.mailroom import Suppressed
from sandbox.world import World

KINDS = "bounces|blocks|spam_reports|invalid_emails"


def read_all(world: World, request: Request, name: str) -> Answer:
    check(world, request)
    args = request.args
    start, end = float(args.get("start_time", 0)), float(args.get("end_time", "inf"))
    with world.lock:
        found = [one for one in world.mailroom.suppressed[name].values() if start <= one.created <= end]
    offset, limit = int(args.get("offset", 0)), int(args.get("limit", 500))
    return Answer.of_json(200, [_shown(one) for one in found[offset : offset + limit]])


def read_one(world: World, request: Request, name: str, email: str) -> Answer:
    check(world, request)
    one = world.mailroom.suppressed[name].get(_address(email))
    return Answer.of_json(200, [_shown(one)] if one else [])


def forget_one(world: World, request: Request, name: str, email: str) -> Answer:
    check(world, request)
    if world.mailroom.suppressed[name].pop(_address(email), None) is None:
        raise RefusedError(404, "resource not found")
    return Answer(204)


def forget_many(world: World, request: Request, name: str) -> Answer:
    check(world, request)
    told = request.json() or {}
    entries = world.mailroom.suppressed[name]
    for address in list(entries) if told.get("delete_all") else told.get("emails", []):
        entries.pop(address, None)
    return Answer(204)


def unsubscribed(world: World, request: Request) -> Answer:
    return read_all(world, request, "unsubscribes")


def add_global(world: World, request: Request) -> Answer:
    check(world, request)
    told = request.json() or {}
    addresses = [str(one).lower() for one in told.get("recipient_emails", [])]
    for address in addresses:
        world.mailroom.suppress("unsubscribes", Suppressed(address, world.clock.now(), "global unsubscribe"))
    return Answer.of_json(201, {"recipient_emails": addresses})


def read_global(world: World, request: Request, email: str) -> Answer:
    """`{}` when the address is not suppressed."""
    check(world, request)
    address = _address(email)
    is_there = address in world.mailroom.suppressed["unsubscribes"]
    return Answer.of_json(200, {"recipient_email": address} if is_there else {})


def forget_global(world: World, request: Request, email: str) -> Answer:
    check(world, request)
    world.mailroom.suppressed["unsubscribes"].pop(_address(email), None)
    return Answer(204)


def _shown(one: Suppressed) -> dict[str, Any]:
    told = {"created": int(one.created), "email": one.email, "reason": one.reason}
    return {**told, "status": one.status} if one.status else told


def _address(text: str) -> str:
    return text.replace("%40", "@").replace("%2B", "+").lower()


ROUTES: list[Route] = [
    ("GET", rf"/v3/suppression/(?P<name>{KINDS})", read_all),
    ("DELETE", rf"/v3/suppression/(?P<name>{KINDS})", forget_many),
    ("GET", rf"/v3/suppression/(?P<name>{KINDS})/(?P<email>[^/]+)", read_one),
    ("DELETE", rf"/v3/suppression/(?P<name>{KINDS})/(?P<email>[^/]+)", forget_one),
    ("GET", r"/v3/suppression/unsubscribes", unsubscribed),
    ("POST", r"/v3/asm/suppressions/global", add_global),
    ("GET", r"/v3/asm/suppressions/global/(?P<email>[^/]+)", read_global),
    ("DELETE", r"/v3/asm/suppressions/global/(?P<email>[^/]+)", forget_global),
]
