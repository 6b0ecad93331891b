"""The practice, its quiet hours, and the addresses that the providers need."""

import re

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from service.flows.audit import audit
from service.flows.plan import plan
from service.models import Practice
from service.rules import rows
from service.rules.lines import COUNTRIES
from service.rules.profiles import PROFILES, Profile
from service.rules.reading_hours import typed_hours
from service.web import parts

pages = Blueprint("settings", __name__, url_prefix="/settings")

WEBHOOKS = (
    ("Twilio: a message comes in", "/webhooks/twilio/inbound"),
    ("Twilio: status (set by us with each text)", "/webhooks/twilio/status"),
    ("SendGrid: event webhook", "/webhooks/sendgrid/events"),
    ("SendGrid: inbound parse", "/webhooks/sendgrid/inbound"),
)
FIELDS = ("name", "sender_label", "phone", "postal_address", "reading_hours", "part_price")
PRICE = re.compile(r"\d{1,3}(\.\d{1,6})?")


@pages.get("")
def practice() -> ResponseReturnValue:
    with parts().read_db() as db:
        row = db.scalars(select(Practice)).one()
        form = {field: getattr(row, field) for field in (*FIELDS, "country", "time_zone")}
        form |= {"opens": f"{row.opens:%H:%M}", "closes": f"{row.closes:%H:%M}"}
    return _page(form, {})


@pages.post("")
def change() -> ResponseReturnValue:
    """Messages that have not left follow the new hours at once."""
    form = {name: value.strip() for name, value in request.form.items()}
    errors: dict[str, str] = {}
    read = {
        "name": rows.read(errors, "name", lambda: rows.text(form.get("name", ""), "the practice's name", 120), ""),
        "sender_label": rows.read(errors, "sender_label", lambda: rows.sender_label(form.get("sender_label", "")), ""),
        "phone": rows.read(errors, "phone", lambda: rows.office_phone(form.get("phone", "")), ""),
        "postal_address": rows.read(
            errors,
            "postal_address",
            lambda: rows.text(form.get("postal_address", ""), "the address", 200, needed=False),
            "",
        ),
        "reading_hours": rows.read(errors, "reading_hours", lambda: typed_hours(form.get("reading_hours", "")), ""),
        "part_price": rows.read(errors, "part_price", lambda: _price(form.get("part_price", "")), ""),
        "time_zone": rows.read(errors, "time_zone", lambda: rows.zone(form.get("time_zone", "")), ""),
        "opens": rows.read(errors, "opens", lambda: rows.clock_time(form.get("opens", "")), None),
        "closes": rows.read(errors, "closes", lambda: rows.clock_time(form.get("closes", "")), None),
    }
    if form.get("country") not in COUNTRIES:
        errors["country"] = "Choose a country from the list."
    if not errors:
        _check_hours(errors, PROFILES[form["country"]], form["opens"], form["closes"])
    if errors:
        return _page(form, errors), 422
    now = parts().clock()
    with parts().open_db() as db:
        row = db.scalars(select(Practice)).one()
        for field, value in {**read, "country": form["country"]}.items():
            setattr(row, field, value)
        audit(db, g.staff.id, "practice changed", row, now)
        db.flush()
        changes = plan(db, now)
    flash(f"Saved. {changes.moved} messages moved.", "success")
    return redirect(url_for("settings.practice"))


def _price(typed: str) -> str:
    if typed and not PRICE.fullmatch(typed):
        raise rows.NotReadable("Enter a price like 0.0113, or leave it empty.")
    return typed


def _check_hours(errors: dict[str, str], profile: Profile, opens: str, closes: str) -> None:
    """R39: the window can be narrowed, or widened only so far."""
    first, last = f"{profile.opens:%H:%M}", f"{profile.closes:%H:%M}"
    if not first <= opens < closes <= last:
        errors["opens"] = f"Messages may arrive between {first} and {last} at the widest, and the start comes first."


def _page(form: dict[str, str], errors: dict[str, str]) -> str:
    base = parts().settings.public_url
    return render_template(
        "staff/settings.html",
        form=form,
        errors=errors,
        countries=list(COUNTRIES.items()),
        zones=rows.zone_choices(),
        profile=PROFILES.get(form.get("country", "")),
        webhooks=[(words, base + path) for words, path in WEBHOOKS],
    )
