"""What is amiss with members' numbers, addresses and consents, and where each is mended."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from service.flows.quality import Fault, findings
from service.models import Practice
from service.rules.contact import masked
from service.web import parts
from service.web.words import said_by_provider

pages = Blueprint("data_quality", __name__, url_prefix="/data-quality")

TITLES = {
    Fault.MISSING: ("No number or email", "A number or address that they are to be reached by."),
    Fault.ZONE: ("Unknown time zone", "A place that the clocks of this machine do not know. Choose another."),
    Fault.INVALID: ("Texts that did not arrive", "The last text to this number failed. Ask for the right one."),
    Fault.BOUNCED: ("Emails that came back", "The last email bounced. Ask for the right address."),
    Fault.DOUBT: ("Numbers on hold", "They may be another's by now. Ask, then enter the new one or say it is theirs."),
    Fault.SHARED: ("Shared numbers", "Allowed where both know of it: then texts stay discreet and name nobody."),
    Fault.NO_CONSENT: ("No consent", "Nothing is sent until they agree."),
}


@pages.get("")
def overview() -> ResponseReturnValue:
    now = parts().clock()
    with parts().read_db() as db:
        zone = db.scalars(select(Practice)).one().zone
        found = findings(db, now.astimezone(zone).date(), now)
        return render_template(
            "staff/data_quality.html",
            lists=[(fault, *TITLES[fault], [one for one in found if one.fault is fault]) for fault in Fault],
            total=len(found),
            people=len({one.member.id for one in found}),
            masked=masked,
            explained=said_by_provider,
        )
