"""The texts that go out: read, put into other words, seen as a member sees them, and back to ours."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from types import MappingProxyType

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from service import texts
from service.flows import reword
from service.flows.audit import audit
from service.flows.reword import EDITABLE, MORE_THAN
from service.models import Practice, Staff, Wording
from service.models.wordings import LONGEST
from service.rules import fields, rows
from service.web import parts

pages = Blueprint("templates", __name__, url_prefix="/templates")

NO_ERRORS: Mapping[str, str] = MappingProxyType({})


@pages.get("")
def all_texts() -> ResponseReturnValue:
    with parts().read_db() as db:
        newest = Wording.newest(db.scalars(select(Wording)).all())
        return render_template("staff/templates.html", editable=EDITABLE.values(), newest=newest)


@pages.get("/<key>")
def one_text(key: str) -> ResponseReturnValue:
    of = _asked(key, request.args)
    with parts().read_db() as db:
        return _page(db, of, _words_now(db, of, request.args.get("version", "")))


@pages.post("/<key>/preview")
def preview(key: str) -> ResponseReturnValue:
    """How it would look. Saves nothing."""
    of = _asked(key, request.form)
    with parts().read_db() as db:
        return render_template("staff/_text_preview.html", **_shown(db, of, _typed()))


@pages.post("/<key>")
def change(key: str) -> ResponseReturnValue:
    """Keep other words, or ours again. What has not left goes out with them."""
    of = _asked(key, request.form)
    words, now = _typed(), parts().clock()
    resets = request.form.get("action") == "reset"
    with parts().open_db() as db:
        errors = {} if resets else _wrong(db, of, words)
        awaited = reword.awaited_by(db, EDITABLE[key])
        if errors or request.form.get("action") == "preview":
            return _page(db, of, words, errors), 422 if errors else 200
        if awaited > MORE_THAN and request.form.get("sure") != str(awaited):
            errors["sure"] = f"{awaited} people have this message coming. Tick that you mean all of them."
            return _page(db, of, words, errors), 422
        practice = db.scalars(select(Practice)).one()
        row = reword.save(db, practice, of, None if resets else words, g.staff.id, now)
        audit(db, g.staff.id, "text reset" if resets else "text changed", row, now, text="/".join(of))
    flash(f"{'Back to our words' if resets else 'Saved'}: {awaited} people get it so next.", "success")
    return redirect(url_for("templates.one_text", key=key, medium=of[0], language=of[2]))


def _asked(key: str, given: Mapping[str, str]) -> tuple[str, str, str]:
    medium, language = given.get("medium", "sms"), given.get("language", "en")
    if key not in EDITABLE or medium not in EDITABLE[key].media or language not in texts.LANGUAGES:
        abort(404)
    return medium, key, language


def _typed() -> str:
    return " ".join(request.form.get("words", "").split())


def _wrong(db: Session, of: tuple[str, str, str], words: str) -> dict[str, str]:
    errors: dict[str, str] = {}
    rows.read(errors, "words", lambda: rows.text(words, "the text", LONGEST), "")
    if errors:
        return errors
    found = reword.problems(db, *of, words)
    practice = db.scalars(select(Practice)).one()
    most = EDITABLE[of[1]].most_parts
    if not found and of[0] == "sms" and reword.sample(practice, of, words).parts > most:
        found = [f"Shorten it: with the longest values it takes more than {most} part{'' if most == 1 else 's'}."]
    return {"words": " ".join(found)} if found else {}


def _words_now(db: Session, of: tuple[str, str, str], version: str) -> str:
    """Those in force, or those of an earlier version, to be looked at and kept again."""
    kept = db.scalars(Wording.versions(*of)).all()
    row = next((row for row in kept if str(row.version) == version), kept[0] if kept else None)
    return row.words if row is not None and row.words else texts.ours(*of)


def _page(db: Session, of: tuple[str, str, str], words: str, errors: Mapping[str, str] = NO_ERRORS) -> str:
    editable = EDITABLE[of[1]]
    awaited = reword.awaited_by(db, editable)
    return render_template(
        "staff/template.html",
        editable=editable,
        of=of,
        words=words,
        errors=dict(errors),
        versions=db.scalars(Wording.versions(*of)).all(),
        authors={row.id: row.name for row in db.scalars(select(Staff))},
        fields=[*editable.fields, *reword.COMMON],
        kept=[name for name in fields.named(texts.ours(*of)) if name in fields.KEPT],
        awaited=awaited,
        asks_again=awaited > MORE_THAN,
        **_shown(db, of, words),
    )


def _shown(db: Session, of: tuple[str, str, str], words: str) -> dict[str, object]:
    practice = db.scalars(select(Practice)).one()
    sample = reword.sample(practice, of, words)
    return {
        "sample": sample,
        "medium": of[0],
        "language": of[2],
        "problems": reword.problems(db, *of, words),
        "first_names": reword.first_names(db, words),
        "price": _price(practice.part_price, sample.parts),
        "most_parts": EDITABLE[of[1]].most_parts,
        "in_detail": EDITABLE[of[1]].in_detail,
    }


def _price(part: str, parts_of: int) -> str:
    try:
        return f"{Decimal(part) * parts_of:f}"
    except InvalidOperation:
        return ""
