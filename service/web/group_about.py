"""What a group is called, where it meets, and how many members it has room for: to be corrected at any time."""

from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from service.flows import schedule
from service.flows.audit import audit
from service.rules.group_rows import read_called
from service.web import parts
from service.web.groups import TAKEN, get_group

pages = Blueprint("group_about", __name__, url_prefix="/groups/<uuid:group_id>/about")


@pages.get("")
def form(group_id: UUID) -> ResponseReturnValue:
    with parts().read_db() as db:
        group = get_group(db, group_id)
        typed = {
            "group": group.name,
            "outside_name": group.outside_name,
            "place": group.place,
            "link": group.link,
            "capacity": str(group.capacity),
        }
        return render_template("staff/group_about.html", group=group, typed=typed, errors={})


@pages.post("")
def change(group_id: UUID) -> ResponseReturnValue:
    now = parts().clock()
    with parts().open_db() as db:
        group = get_group(db, group_id)
        called, errors = read_called(request.form)
        if "group" not in errors and schedule.name_is_taken(db, called.name, by_another_than=group):
            errors["group"] = TAKEN
        if errors:
            return render_template("staff/group_about.html", group=group, typed=request.form, errors=errors), 422
        ended = schedule.call_group(db, group, called, str(g.staff.id), now)
        audit(db, g.staff.id, "group changed", group, now)
    flash("Saved. What is still to be sent says it so.", "success")
    if ended:
        who = f"{ended} member{'' if ended == 1 else 's'}"
        flash(f"{who} chose texts that name the group. They are discreet now: ask them anew.", "info")
    return redirect(url_for("groups.one_group", group_id=group_id))
