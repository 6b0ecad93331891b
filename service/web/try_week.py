"""A week of a group's messages on a phone on the screen, before anybody is written to."""

from uuid import UUID

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from service import texts
from service.flows import detail
from service.flows.sample_week import sample_week
from service.web import parts
from service.web.groups import get_group

pages = Blueprint("try_week", __name__, url_prefix="/groups/<uuid:group_id>/week")


@pages.get("")
def week(group_id: UUID) -> ResponseReturnValue:
    language = request.args.get("language", "en")
    language = language if language in texts.LANGUAGES else "en"
    with parts().read_db() as db:
        group = get_group(db, group_id)
        in_detail, now = request.args.get("words") == "detailed", parts().clock()
        return render_template(
            "staff/try_week.html",
            group=group,
            week=sample_week(db, group, now, language, in_detail=in_detail),
            language=language,
            in_detail=in_detail,
            obstacle=detail.obstacle(db, group, language, now) if in_detail else "",
        )
