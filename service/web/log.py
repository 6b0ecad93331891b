"""What became of every message that was due, in six plain words, on the screen and as a file."""

from zoneinfo import ZoneInfo

from flask import Blueprint, g, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from service.flows.audit import audit
from service.models import Delivery, Practice
from service.rules.consent import Channel
from service.web import parts
from service.web.csv_file import csv_file
from service.web.forms import page_asked
from service.web.narrowing import AHEAD, SHOWN_WORDS, Narrowing, choices, group_names, one_page, with_names
from service.web.words import KIND_WORDS, fate

pages = Blueprint("log", __name__, url_prefix="/log")

PER_PAGE = 50
MOST_ROWS = 50_000
BY = {Channel.SMS: "Text", Channel.EMAIL: "Email"}
COLUMNS = ("Due", "Left", "Group", "Member", "Message", "By", "What became of it")


@pages.get("")
def all_deliveries() -> ResponseReturnValue:
    narrowing = Narrowing.read(request.args)
    page = page_asked(request.args)
    with parts().read_db() as db:
        query = _query(db, narrowing)
        count = query.order_by(None).with_only_columns(func.count(Delivery.id))
        total = db.scalar(count) or 0
        deliveries = one_page(db, query, page, PER_PAGE)
        shown = render_template(
            "staff/log.html",
            deliveries=deliveries,
            groups=group_names(db, deliveries),
            narrowing=narrowing,
            errors=narrowing.errors,
            choices=choices(db, narrowing),
            words=SHOWN_WORDS,
            kinds=KIND_WORDS,
            page=page,
            per_page=PER_PAGE,
            total=total,
        )
    return shown, 422 if narrowing.errors else 200


@pages.post("/csv")
def as_file() -> ResponseReturnValue:
    """The same rows as a file for a sheet. Who took one away is kept."""
    narrowing = Narrowing.read(request.form)
    now = parts().clock()
    with parts().read_db() as db:
        practice = db.scalars(select(Practice)).one()
        rows = db.scalars(with_names(_query(db, narrowing)).limit(MOST_ROWS)).all()
        groups = group_names(db, rows)
        said = csv_file("log", COLUMNS, (_cells(row, groups.get(row.id, ""), practice.zone) for row in rows))
    with parts().open_db() as db:
        audit(db, g.staff.id, "log exported", practice, now, rows=len(rows))
    return said


def _query(db: Session, narrowing: Narrowing) -> Select[Delivery]:
    zone = db.scalars(select(Practice)).one().zone
    query = select(Delivery).where(*narrowing.matching(zone, parts().clock()))
    if narrowing.shown in AHEAD:
        return query.order_by(Delivery.next_at, Delivery.id)
    return query.order_by(Delivery.due_at.desc(), Delivery.id.desc())


def _cells(row: Delivery, group: str, zone: ZoneInfo) -> tuple[str, ...]:
    return (
        f"{row.due_at.astimezone(zone):%Y-%m-%d %H:%M}",
        f"{row.marked_at.astimezone(zone):%Y-%m-%d %H:%M}" if row.marked_at else "",
        group,
        row.member.name,
        KIND_WORDS[row.kind],
        BY[row.channel],
        fate(row, zone),
    )
