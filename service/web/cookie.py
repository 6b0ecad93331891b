"""The cookies by which we know the browser of somebody who is signed in, or who is half-way."""

from flask import request
from werkzeug.wrappers import Response

from service.web import parts

STAFF, HALF_WAY = "staff", "half-way"


def token(of: str = STAFF) -> str:
    """What the browser shows; "" where it shows nothing."""
    return request.cookies.get(_name(of), "")


def give(response: Response, token: str, of: str = STAFF) -> Response:
    response.set_cookie(_name(of), token, secure=_is_https(), httponly=True, samesite="Lax", path="/")
    return response


def take_away(response: Response, of: str = STAFF) -> Response:
    response.delete_cookie(_name(of), secure=_is_https(), httponly=True, samesite="Lax")
    return response


def _name(of: str) -> str:
    return f"__Host-{of}" if _is_https() else of


def _is_https() -> bool:
    return parts().settings.public_url.startswith("https://")
