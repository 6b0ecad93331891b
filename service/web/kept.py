"""What was typed when the sign-in had ended is carried on with, or dropped."""

from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from service.flows import kept_forms
from service.models import KeptForm
from service.web import cookie, parts

pages = Blueprint("kept", __name__, url_prefix="/kept")

QUOTED = 160


@dataclass(frozen=True)
class Shown:
    key: str
    fields: list[tuple[str, str]]
    kept_at: datetime

    @property
    def quote(self) -> str:
        """The longest of what was typed: to recognise it by."""
        longest = max((value for _, value in self.fields), key=len, default="")
        return longest if len(longest) <= QUOTED else longest[: QUOTED - 1] + "…"


def keep(path: str) -> bool:
    """Keep the form of this request for whoever was signed in here. Previews ask for themselves and are not kept."""
    if request.method != "POST" or "HX-Request" in request.headers or len(path) > KeptForm.LONGEST_PATH:
        return False
    fields = [(name, value) for name, value in request.form.items(multi=True) if name != "kept_path"]
    with parts().open_db() as db:
        return kept_forms.keep(db, cookie.token(), path, fields, parts().machine_clock())


@pages.get("")
def waiting() -> ResponseReturnValue:
    now = parts().machine_clock()
    with parts().read_db() as db:
        rows = kept_forms.kept_for(db, g.staff.id, now)
        shown = [Shown(str(row.id), kept_forms.fields_of(row), row.kept_at) for row in rows]
    return render_template("staff/kept.html", kept=shown, machine_now=now)


@pages.post("")
def carry_on() -> ResponseReturnValue:
    """The browser sends the same form once more, to where it was meant to go."""
    with parts().open_db() as db:
        row = _asked(db)
        if row is None:
            flash("That was carried on with, or dropped, already.", "warning")
            return redirect(url_for("kept.waiting"))
        db.delete(row)
    return redirect(row.path, 307)


@pages.post("/drop")
def drop() -> ResponseReturnValue:
    with parts().open_db() as db:
        row = _asked(db)
        if row is not None:
            db.delete(row)
    flash("Dropped.", "success")
    return redirect(url_for("home.today"))


def _asked(db: Session) -> KeptForm | None:
    rows = kept_forms.kept_for(db, g.staff.id, parts().machine_clock())
    return next((row for row in rows if str(row.id) == request.args.get("form")), None)
