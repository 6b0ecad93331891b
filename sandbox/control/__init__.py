"""The sandbox's own API, below /_sandbox: for tests, on the loopback only."""

from sandbox.answers import Route
from sandbox.control import evidence, happenings, settings

ROUTES: list[Route] = [*settings.ROUTES, *happenings.ROUTES, *evidence.ROUTES]
