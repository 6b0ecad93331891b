"""How a group's texts are watched, one-way, not watched, or staffed, and when its replies are read."""

from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from service import texts
from service.flows import notice
from service.flows.on_call import reached
from service.flows.watching import may_not_be, unwatched, watch
from service.models import Group, Practice
from service.models.groups import Safety
from service.rules import rows
from service.rules.reading_hours import typed_hours
from service.web import parts
from service.web.groups import get_group

pages = Blueprint("safety", __name__, url_prefix="/groups/<uuid:group_id>/safety")

MODES = (
    (
        Safety.ONE_WAY,
        "One-way",
        "Reminders only. No check-ins and no reflection questions go out. What members write all the same is kept, "
        "and words of danger are answered and call a person.",
    ),
    (
        Safety.UNMONITORED,
        "Not watched",
        "Questions go out, each saying that nobody reads along live, and where help is. Replies are read in the hours "
        "that the texts name. Reflection questions need a contact who answered a test page: without one they cannot be "
        "switched on, and once the last test is 30 days old they wait.",
    ),
    (
        Safety.STAFFED,
        "Staffed",
        "Somebody is always on call. Needs two contacts who answered a test page in the last 30 days; while fewer "
        "have, this group's questions wait, and the home screen says so.",
    ),
)


@pages.get("")
def form(group_id: UUID) -> ResponseReturnValue:
    with parts().read_db() as db:
        return _page(db, get_group(db, group_id), {})


@pages.post("")
def change(group_id: UUID) -> ResponseReturnValue:
    now = parts().clock()
    chosen = request.form.get("safety", "")
    with parts().open_db() as db:
        group = get_group(db, group_id)
        is_live = not parts().settings.is_practice
        errors: dict[str, str] = {}
        problem = (
            may_not_be(db, group, Safety(chosen), now, is_live=is_live)
            if chosen in set(Safety)
            else "Choose one of the three."
        )
        if problem:
            errors["safety"] = problem
        typed = request.form.get("reading_hours", group.reading_hours)
        read_at = rows.read(errors, "reading_hours", lambda: typed_hours(typed, needed=False), "")
        if errors:
            return _page(db, group, errors), 422
        group.reading_hours = read_at
        watch(db, group, Safety(chosen), g.staff.id, now)
    flash("Saved. What is planned follows at once.", "success")
    return redirect(url_for("safety.form", group_id=group_id))


def _page(db: Session, group: Group, errors: dict[str, str]) -> str:
    now, practice = parts().clock(), db.scalars(select(Practice)).one()
    readers = notice.readers_of_group(group, practice)
    return render_template(
        "staff/group_safety.html",
        group=group,
        modes=MODES,
        chosen=request.form.get("safety", group.safety),
        reached=len(reached(db, now)),
        is_unwatched=group in unwatched(db, now),
        typed_hours=request.form.get("reading_hours", group.reading_hours),
        practice_hours=practice.reading_hours,
        readers=readers,
        is_read_now=readers.are_reading(now),
        notice_words=texts.sms(notice.UNMONITORED, practice, "en", {"hours": readers.hours}),
        errors=errors,
    )
