"""Who may call SendGrid's API."""

import logging

from sandbox.answers import Answer, Request
from sandbox.config import SENDGRID_KEY, SENDGRID_KEY_WITHOUT_SCOPE
from sandbox.world import World

log = logging.getLogger(__name__)

REAL_KEY_LENGTH = 69


class RefusedError(Exception):
    """SendGrid does not take the request over."""

    def __init__(self, http: int, *messages: str, field: str | None = None) -> None:
        super().__init__(http)
        self.http = http
        self.messages = messages
        self.field = field

    def answer(self) -> Answer:
        errors = [{"message": message, "field": self.field, "help": None} for message in self.messages]
        return Answer.of_json(self.http, {"errors": errors})


def check(world: World, request: Request) -> None:
    """Refuse callers without a key, with a key that may not do this, and everybody when the plan is used up."""
    kind, _, key = request.header("Authorization").partition(" ")
    if len(key) == REAL_KEY_LENGTH:
        log.error("A REAL SENDGRID KEY? somebody called the sandbox with one. It is not a place for them")
    if kind.lower() != "bearer" or key not in (SENDGRID_KEY, SENDGRID_KEY_WITHOUT_SCOPE):
        raise RefusedError(401, "The provided authorization grant is invalid, expired, or revoked")
    if key == SENDGRID_KEY_WITHOUT_SCOPE and request.method != "GET":
        raise RefusedError(403, "access forbidden")
    if world.config.out_of_credit:
        raise RefusedError(401, "Maximum credits exceeded")
