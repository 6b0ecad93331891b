"""Before what is dangerous: whoever typed their password a while ago types it again, and goes on where they were."""

from flask import g, render_template, request
from flask.typing import ResponseReturnValue

from service.flows import kept_forms, sign_ins
from service.flows.check_password import check_password
from service.models import SignIn
from service.web import parts

DANGEROUS = frozenset(
    {
        *("staff", "providers", "retention", "erase", "break_glass", "log.as_file", "audit.as_file"),
        *("second_factor.begin_app", "second_factor.begin_passkey"),  # what is begun may be finished later
        *("second_factor.remove", "second_factor.new_codes"),
    }
)
"""By blueprint, or by endpoint: each POST of these is asked about once the password is ten minutes old."""
PROOF = "proof_password"


def ask_again() -> ResponseReturnValue | None:
    """Before every page that they may open. The form comes again with the password, and then goes on from here."""
    now = parts().machine_clock()
    if request.method != "POST" or not _is_dangerous() or sign_ins.is_fresh(g.sign_in, now):
        return None
    if PROOF not in request.form:
        return _page({}), 401
    typed, address = request.form[PROOF], request.remote_addr or ""
    checked = check_password(parts().open_db, g.staff.email, typed, address, now)
    if checked.staff_id is None:
        sentence = checked.sentence if checked.waits else "That is not your password."
        return _page({PROOF: sentence}), 429 if checked.waits else 401
    with parts().open_db() as db:
        db.get_one(SignIn, g.sign_in.id).proved_at = now
    return None


def _is_dangerous() -> bool:
    endpoint = request.endpoint or ""
    return endpoint in DANGEROUS or endpoint.partition(".")[0] in DANGEROUS


def _page(errors: dict[str, str]) -> str:
    fields = [pair for pair in request.form.items(multi=True) if kept_forms.may_be_kept(pair[0])]
    target = request.full_path.rstrip("?")
    return render_template("staff/ask_again.html", target=target, fields=fields, proof=PROOF, errors=errors)
