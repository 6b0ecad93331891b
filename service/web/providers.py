"""Going live: what is left to do, whether the providers reach us, and a test to one's own phone."""

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from service.channels import ChannelError
from service.flows import go_live
from service.models import Practice
from service.rules.consent import Channel
from service.rules.contact import ContactError, read_mobile
from service.web import parts
from service.web.settings_pages import WEBHOOKS

pages = Blueprint("providers", __name__, url_prefix="/settings/providers")


@pages.get("")
def status() -> ResponseReturnValue:
    with parts().read_db() as db:
        return _page(db, "", {})


@pages.post("/test")
def test() -> ResponseReturnValue:
    """One text to the phone of whoever asks. What is sent is kept before it goes."""
    typed = request.form.get("mobile", "").strip()
    with parts().open_db() as db:
        try:
            mobile = read_mobile(typed, db.scalars(select(Practice)).one().country)
            wrong = go_live.may_test(db, mobile)
        except ContactError as error:
            mobile, wrong = "", str(error)
        if wrong or not mobile:
            return _page(db, typed, {"mobile": wrong or "Enter your own mobile number."}), 422
        words, reference = go_live.test_text(db, g.staff.id, parts().clock())
    try:
        go_live.send_test(parts().channels[Channel.SMS], mobile, words, reference)
    except ChannelError as error:
        flash(f"Twilio did not take it: {error}.", "error")
    else:
        flash("Twilio took it. The line below turns green when its report comes in; load the page again.", "success")
    return redirect(url_for("providers.status"))


def _page(db: Session, mobile: str, errors: dict[str, str]) -> str:
    settings = parts().settings
    came = go_live.heard(db)
    return render_template(
        "staff/providers.html",
        steps=go_live.steps(db, not settings.is_practice, parts().clock()),
        webhooks=[(words, settings.public_url + path, came[path]) for words, path in WEBHOOKS],
        mobile=mobile,
        errors=errors,
    )
