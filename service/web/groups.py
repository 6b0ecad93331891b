"""Groups: all of them, a new one, and one with its sessions and messages."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.flows import schedule, show
from service.flows.audit import audit
from service.flows.lead import NotTheirs, lead
from service.flows.plan import plan
from service.flows.sample_week import sample_week
from service.flows.watching import ask_nothing_yet, may_not_ask, unwatched
from service.models import Delivery, Enrolment, Group, GroupSession, Practice, Rule, Staff
from service.models.practice import Role
from service.rules import rows, sentences
from service.rules.kinds import Kind
from service.rules.lifecycle import State
from service.web import parts
from service.web.forms import GroupForm
from service.web.words import kind as kind_words

pages = Blueprint("groups", __name__, url_prefix="/groups")

TAKEN = "There is a group of this name already. Choose another name."
NO_ERRORS: Mapping[str, str] = MappingProxyType({})


@pages.get("")
def all_groups() -> ResponseReturnValue:
    now = parts().clock()
    with parts().read_db() as db:
        groups = db.scalars(Group.open().order_by(Group.created_at)).all()
        following = {group.id: db.scalars(GroupSession.next_after(group.id, now)).first() for group in groups}
        sizes = dict(
            db.execute(
                select(Enrolment.group_id, func.count(Enrolment.id))
                .where(Enrolment.left_on.is_(None))
                .group_by(Enrolment.group_id)
            ).all()
        )
        return render_template("staff/groups.html", groups=groups, following=following, sizes=sizes)


@pages.get("/new")
def new_group() -> ResponseReturnValue:
    today = parts().clock().date()
    with parts().read_db() as db:
        zone = db.scalars(select(Practice)).one().time_zone
    values = {"time": "18:00", "minutes": "90", "repeats": "1", "ends": "count", "count": "12", "capacity": "10"}
    return _form_page(GroupForm({**values, "time_zone": zone, "starts_on": today.isoformat()}))


@pages.post("/new")
def create_group() -> ResponseReturnValue:
    """The dates are shown before anything is saved: the first press shows them, where no script has done so."""
    with parts().open_db() as db:
        form = _read_form(db)
        if form.group is not None and schedule.name_is_taken(db, form.group.name):
            form.errors["group"] = TAKEN
        if form.errors or form.group is None:
            return _form_page(form), 422
        if form.values.get("action") != "create" or form.values.get("seen") != _seen(form):
            return _form_page(form)
        now = parts().clock()
        leads = g.staff.id if g.staff.role is Role.FACILITATOR else None
        group = schedule.add_group_of(db, form.group, leads, now)
        audit(db, g.staff.id, "group added", group, now)
        asks_nothing = not parts().settings.is_practice and ask_nothing_yet(db, group, now)
        group_id = group.id
    flash("The group is set up. Now add its members.", "success")
    if asks_nothing:
        flash("Its reflection question is off: nobody on call has answered a test page yet.", "warning")
    return redirect(url_for("group_members.of_group", group_id=group_id))


@pages.post("/preview")
def preview() -> ResponseReturnValue:
    """The dates of what is typed so far. Saves nothing."""
    with parts().read_db() as db:
        form = _read_form(db)
    return render_template("staff/_dates.html", form=form, seen=_seen(form))


@pages.get("/<uuid:group_id>")
def one_group(group_id: UUID) -> ResponseReturnValue:
    with parts().read_db() as db:
        return _group_page(db, get_group(db, group_id))


@pages.post("/<uuid:group_id>/facilitator")
def set_facilitator(group_id: UUID) -> ResponseReturnValue:
    """Who leads the group, and so reads what its members write; or nobody."""
    chosen = request.form.get("facilitator", "")
    with parts().open_db() as db:
        group = get_group(db, group_id)
        leaders = {str(row.id): row for row in db.scalars(Staff.who_may_lead())}
        if chosen and chosen not in leaders:
            abort(400)
        try:
            lead(db, group, leaders.get(chosen), g.staff, parts().clock())
        except NotTheirs as refused:
            return _group_page(db, group, {"facilitator": str(refused)}), 422
        told = f"{leaders[chosen].name} leads this group." if chosen else "Nobody leads this group."
        is_theirs = g.staff.role is not Role.FACILITATOR or chosen == str(g.staff.id)
    flash(told, "success")
    return redirect(url_for("groups.one_group", group_id=group_id) if is_theirs else url_for("groups.all_groups"))


@pages.get("/<uuid:group_id>/messages")
def messages(group_id: UUID) -> ResponseReturnValue:
    with parts().read_db() as db:
        group = get_group(db, group_id)
        return _messages_page(db, group)


@pages.post("/<uuid:group_id>/messages")
def switch_rules(group_id: UUID) -> ResponseReturnValue:
    """The switches of all rules at once. What they change in the queue is counted."""
    now = parts().clock()
    with parts().open_db() as db:
        group = get_group(db, group_id)
        asked_for = [rule for rule in group.rules if request.form.get(f"rule_{rule.id}") == "1"]
        starts_asking = any(rule.kind is Kind.REFLECTION and not rule.is_on for rule in asked_for)
        if starts_asking and (problem := may_not_ask(db, group, now)):
            return _messages_page(db, group, {"": problem}), 422
        for rule in group.rules:
            is_on = rule in asked_for
            if is_on != rule.is_on:
                rule.is_on = is_on
                audit(db, g.staff.id, "rule switched on" if is_on else "rule switched off", rule, now)
        db.flush()
        changes = plan(db, now, [group])
    told = f"Saved. {changes.planned + changes.moved} messages planned, {changes.dropped} taken back."
    flash(told, "success")
    return redirect(url_for("groups.messages", group_id=group_id))


@pages.post("/<uuid:group_id>/rules/<uuid:rule_id>")
def change_rule(group_id: UUID, rule_id: UUID) -> ResponseReturnValue:
    """Another lead for a reminder: every message of it that has not left moves along."""
    now = parts().clock()
    with parts().open_db() as db:
        group = get_group(db, group_id)
        rule = next((rule for rule in group.rules if rule.id == rule_id), None) or abort(404)
        errors: dict[str, str] = {}
        hours = rows.read(errors, f"hours_{rule.id}", lambda: rows.whole(request.form.get("hours", ""), 1, 336), 0)
        if errors or rule.minutes is None:
            return _messages_page(db, group, errors), 422
        before = _hours_of(db, rule)
        rule.minutes = hours * 60
        audit(db, g.staff.id, "rule changed", rule, now, hours=hours)
        db.flush()
        plan(db, now, [group])
        after = _hours_of(db, rule)
    moved = sum(key in after and after[key] != due for key, due in before.items())
    flash(f"Saved. {moved} message{'' if moved == 1 else 's'} moved.", "success")
    return redirect(url_for("groups.messages", group_id=group_id))


def get_group(db: Session, group_id: UUID) -> Group:
    return db.get(Group, group_id) or abort(404)


def _group_page(db: Session, group: Group, errors: Mapping[str, str] = NO_ERRORS) -> str:
    now = parts().clock()
    of_group = select(GroupSession).where(GroupSession.group_id == group.id)
    ahead = of_group.where(GroupSession.ends_at > now).order_by(GroupSession.starts_at).limit(26)
    before = of_group.where(GroupSession.ends_at <= now).order_by(GroupSession.starts_at.desc()).limit(12)
    coming_up, past = db.scalars(ahead).all(), db.scalars(before).all()
    return render_template(
        "staff/group.html",
        group=group,
        coming_up=coming_up,
        past=past,
        counts=show.answers(db, [*coming_up, *past]),
        later=schedule.later_dates(group, now),
        leaders=[(row.id, row.name) for row in db.scalars(Staff.who_may_lead())],
        may_say_who_leads=g.staff.role is not Role.FACILITATOR or group.facilitator_id == g.staff.id,
        errors=dict(errors),
    )


def _hours_of(db: Session, rule: Rule) -> dict[UUID, datetime]:
    """When each message of the rule that has not left is due."""
    query = select(Delivery.id, Delivery.due_at).where(Delivery.rule_id == rule.id, Delivery.state == State.SCHEDULED)
    return dict(db.execute(query).all())


def _read_form(db: Session) -> GroupForm:
    practice = db.scalars(select(Practice)).one()
    today = parts().clock().astimezone(practice.zone).date()
    return GroupForm.read(request.form, today, practice.time_zone)


def _form_page(form: GroupForm) -> str:
    return render_template(
        "staff/group_new.html", form=form, errors=form.errors, zones=rows.zone_choices(), seen=_seen(form)
    )


def _seen(form: GroupForm) -> str:
    """What the dates on the page were made from: other dates have to be shown again."""
    if form.group is None:
        return ""
    return " ".join(day.isoformat() for day in form.dates[:3]) + f" {len(form.dates)}"


def _messages_page(db: Session, group: Group, errors: Mapping[str, str] = NO_ERRORS) -> str:
    week = sample_week(db, group, parts().clock())
    return render_template(
        "staff/group_messages.html",
        group=group,
        rules=_sentences(db, group),
        week=week,
        is_unwatched=group in unwatched(db, parts().clock()),
        errors=dict(errors),
    )


def _sentences(db: Session, group: Group) -> list[dict[str, Any]]:
    waiting = dict(
        db.execute(
            select(Delivery.rule_id, func.count(Delivery.id))
            .join(Rule, Rule.id == Delivery.rule_id)
            .where(Rule.group_id == group.id, Delivery.state == State.SCHEDULED)
            .group_by(Delivery.rule_id)
        ).all()
    )
    alike = Counter(rule.kind for rule in group.rules)
    nth: Counter[Kind] = Counter()
    lines = []
    for rule in group.rules:
        nth[rule.kind] += 1
        number = f" {nth[rule.kind]}" if alike[rule.kind] > 1 else ""
        lines.append(
            {
                "rule": rule,
                "label": f"{kind_words(rule.kind)}{number}",
                "sentence": sentences.sentence(rule.kind, rule.timing, rule.via, rule.stop_if_answered),
                "waiting": waiting.get(rule.id, 0),
            }
        )
    return lines
