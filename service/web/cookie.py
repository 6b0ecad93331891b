"""The cookie by which we know the browser of somebody who is signed in."""

from flask import request
from werkzeug.wrappers import Response

from service.web import parts


def token() -> str:
    """What the browser shows; "" where it shows nothing."""
    return request.cookies.get(_name(), "")


def give(response: Response, token: str) -> Response:
    response.set_cookie(_name(), token, secure=_is_https(), httponly=True, samesite="Lax", path="/")
    return response


def take_away(response: Response) -> Response:
    response.delete_cookie(_name(), secure=_is_https(), httponly=True, samesite="Lax")
    return response


def _name() -> str:
    return "__Host-staff" if _is_https() else "staff"


def _is_https() -> bool:
    return parts().settings.public_url.startswith("https://")
