"""HTTP for people and providers. A view reads the form, calls one flow, and shows or redirects."""

from typing import cast

from flask import current_app

from service.wiring import Parts


def call_people() -> None:
    """Something may need a person: whoever is on call is called from this very process, whatever else is dead."""
    current_app.extensions["call_people"]()


def parts() -> Parts:
    return cast(Parts, current_app.extensions["parts"])
