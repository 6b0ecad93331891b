"""HTTP for people and providers. A view reads the form, calls one flow, and shows or redirects."""

from typing import cast

from flask import current_app

from service.wiring import Parts


def parts() -> Parts:
    return cast(Parts, current_app.extensions["parts"])
