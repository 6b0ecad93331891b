"""Who may call Twilio's API, and for which account."""

import base64
import binascii
import logging

from sandbox import config
from sandbox.answers import Request
from sandbox.twilio.refusals import RefusedError

log = logging.getLogger(__name__)

CREDENTIALS = {
    (config.ACCOUNT, config.TOKEN): config.ACCOUNT,
    (config.ACCOUNT, config.SECOND_TOKEN): config.ACCOUNT,
    (config.API_KEY, config.API_SECRET): config.ACCOUNT,
    (config.FOREIGN_ACCOUNT, config.FOREIGN_TOKEN): config.FOREIGN_ACCOUNT,
    (config.TEST_ACCOUNT, config.TEST_TOKEN): config.TEST_ACCOUNT,
}


def account_of(request: Request) -> str:
    """The account that the credentials belong to. Refuses with 20003."""
    user, password = _basic(request.header("Authorization"))
    account = CREDENTIALS.get((user, password))
    if account is None:
        if len(password) >= 32:
            log.error(
                "REAL CREDENTIALS? somebody called the sandbox with a full-length secret. It is not a place for them"
            )
        raise RefusedError(20003)
    return account


def check(request: Request, account: str) -> None:
    """Refuse callers without credentials, and those whose credentials are of another account."""
    if account_of(request) != account:
        raise RefusedError(20404, request.path)


def _basic(header: str) -> tuple[str, str]:
    kind, _, secret = header.partition(" ")
    if kind.lower() != "basic":
        return "", ""
    try:
        user, _, password = base64.b64decode(secret, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return user, password
