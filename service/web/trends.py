"""How a group goes over its latest sessions, for whoever reads what its members write."""

from uuid import UUID

from flask import Blueprint, g, render_template
from flask.typing import ResponseReturnValue

from service.flows.check_in import FEWEST
from service.flows.reading import Read, Sight
from service.flows.trends import trends
from service.models import Group, GroupSession
from service.models.groups import Came, Safety
from service.models.practice import Role
from service.rules.kinds import Kind
from service.web import parts
from service.web.groups import get_group
from service.web.on_record import before_showing

pages = Blueprint("trends", __name__, url_prefix="/groups/<uuid:group_id>/trends")


@pages.get("")
def of_group(group_id: UUID) -> ResponseReturnValue:
    now = parts().clock()
    with parts().read_db() as db:
        group = get_group(db, group_id)
        found = trends(db, group, now)
        is_hidden = _is_read_by_others(group)
        answered = [member for member, scores in found.members if set(scores) - {None}]
        before_showing([] if is_hidden else [Sight(Read.CHECK_INS, member) for member in answered])
        return render_template(
            "staff/group_trends.html",
            group=group,
            found=found,
            fewest=FEWEST,
            came=Came,
            is_read_by_others=is_hidden,
            missing=_what_is_missing(group),
            next_session=db.scalars(GroupSession.next_after(group.id, now)).first(),
        )


def _is_read_by_others(group: Group) -> bool:
    """An administrator sees who came; what the members answered is its facilitator's (README, Who sees what)."""
    return g.staff.role is Role.ADMIN and group.facilitator_id not in (None, g.staff.id)


def _what_is_missing(group: Group) -> str:
    """Why no check-in can be answered: safety, or rule; "" where they are asked."""
    if group.safety is Safety.ONE_WAY:
        return "safety"
    return "" if any(rule.kind is Kind.CHECKIN and rule.is_on for rule in group.rules) else "rule"
