"""How long what was written is kept. What a shorter time would remove is counted before it is saved."""

from collections.abc import Mapping
from types import MappingProxyType

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from service.flows import blank, erase, retain
from service.flows.audit import audit
from service.models import Practice
from service.rules import rows
from service.rules.retention import DAYS, MONTHS, Periods
from service.web import parts

pages = Blueprint("retention", __name__, url_prefix="/settings/retention")

FIELDS = {"words": MONTHS, "bodies": DAYS, "log": MONTHS}
NO_ERRORS: Mapping[str, str] = MappingProxyType({})


@pages.get("")
def form() -> ResponseReturnValue:
    with parts().read_db() as db:
        kept = db.scalars(select(Practice)).one().periods
        return _page(db, {name: str(getattr(kept, name)) for name in FIELDS}, kept)


@pages.post("")
def change() -> ResponseReturnValue:
    """The first press shows what would go, where anything would; the second saves."""
    now = parts().clock()
    typed = {name: request.form.get(name, "").strip() for name in FIELDS}
    periods, errors = _read(typed)
    with parts().open_db() as db:
        if periods is None:
            return _page(db, typed, None, errors), 422
        if request.form.get("confirmed") != "1" and retain.count(db, periods, now).any:
            return _page(db, typed, periods, asks=True)
        practice = db.scalars(select(Practice)).one()
        practice.periods = periods
        audit(db, g.staff.id, "retention changed", practice, now, **vars(periods))
    flash("Saved. It is applied tonight, and every night.", "success")
    return redirect(url_for("retention.form"))


def _read(typed: Mapping[str, str]) -> tuple[Periods | None, dict[str, str]]:
    errors: dict[str, str] = {}
    read = {
        name: rows.read(errors, name, lambda name=name, most=most: rows.whole(typed[name], *most), 0)  # type: ignore[misc]
        for name, most in FIELDS.items()
    }
    if not errors and read["log"] < read["words"]:
        errors["log"] = "Keep the log at least as long as the answers: it says what was asked."
    return (None if errors else Periods(**read)), errors


def _page(
    db: Session,
    typed: Mapping[str, str],
    periods: Periods | None,
    errors: Mapping[str, str] = NO_ERRORS,
    *,
    asks: bool = False,
) -> str:
    now = parts().clock()
    return render_template(
        "staff/retention.html",
        typed=typed,
        errors=dict(errors),
        asks=asks,
        doomed=retain.count(db, periods, now) if periods else None,
        periods=periods,
        copies=blank.waiting(db, now),
        erased=erase.latest(db),
    )
