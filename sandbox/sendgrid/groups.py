"""Unsubscribe groups."""

from typing import Any

from sandbox.answers import Answer, Request, Route
from sandbox.sendgrid.access import RefusedError, check
from sandbox.world import World

Group = dict[str, Any]


def read_all(world: World, request: Request) -> Answer:
    check(world, request)
    return Answer.of_json(200, [_shown(group) for group in world.mailroom.groups.values()])


def add(world: World, request: Request) -> Answer:
    check(world, request)
    told = request.json() or {}
    if not told.get("name"):
        raise RefusedError(400, "name is required", field="name")
    number = 12345 + len(world.mailroom.groups)
    group = {
        "id": number,
        "name": told["name"],
        "description": told.get("description", ""),
        "is_default": bool(told.get("is_default")),
        "members": set(),
    }
    world.mailroom.groups[number] = group
    return Answer.of_json(201, _shown(group))


def read(world: World, request: Request, number: str) -> Answer:
    return Answer.of_json(200, _shown(_find(world, request, number)))


def change(world: World, request: Request, number: str) -> Answer:
    group = _find(world, request, number)
    told = request.json() or {}
    group.update({name: told[name] for name in ("name", "description", "is_default") if name in told})
    return Answer.of_json(201, _shown(group))


def remove(world: World, request: Request, number: str) -> Answer:
    world.mailroom.groups.pop(int(_find(world, request, number)["id"]))
    return Answer(204)


def members(world: World, request: Request, number: str) -> Answer:
    return Answer.of_json(200, sorted(_find(world, request, number)["members"]))


def add_members(world: World, request: Request, number: str) -> Answer:
    group = _find(world, request, number)
    addresses = (request.json() or {}).get("recipient_emails", [])
    group["members"].update(str(one).lower() for one in addresses)
    return Answer.of_json(201, {"recipient_emails": addresses})


def search(world: World, request: Request, number: str) -> Answer:
    group = _find(world, request, number)
    addresses = (request.json() or {}).get("recipient_emails", [])
    return Answer.of_json(200, [one for one in addresses if one.lower() in group["members"]])


def remove_member(world: World, request: Request, number: str, email: str) -> Answer:
    _find(world, request, number)["members"].discard(email.replace("%40", "@").lower())
    return Answer(204)


def _find(world: World, request: Request, number: str) -> Group:
    check(world, request)
    group = world.mailroom.groups.get(int(number))
    if group is None:
        raise RefusedError(404, "resource not found")
    return group


def _shown(group: Group) -> Group:
    told = {name: value for name, value in group.items() if name != "members"}
    return {**told, "unsubscribes": len(group["members"]), "last_email_sent_at": None}


GROUP = r"/v3/asm/groups/(?P<number>\d+)"
ROUTES: list[Route] = [
    ("GET", r"/v3/asm/groups", read_all),
    ("POST", r"/v3/asm/groups", add),
    ("GET", GROUP, read),
    ("PATCH", GROUP, change),
    ("DELETE", GROUP, remove),
    ("GET", GROUP + "/suppressions", members),
    ("POST", GROUP + "/suppressions", add_members),
    ("POST", GROUP + "/suppressions/search", search),
    ("DELETE", GROUP + r"/suppressions/(?P<email>[^/]+)", remove_member),
]
