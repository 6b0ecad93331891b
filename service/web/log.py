"""What became of every message that was due, and what goes out next."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select

from service.models import Delivery
from service.rules.lifecycle import GIVEN_UP, State
from service.web import parts
from service.web.forms import page_asked

pages = Blueprint("log", __name__, url_prefix="/log")

PER_PAGE = 50

SHOWN = {
    "all": tuple(State),
    "waiting": (State.SCHEDULED,),
    "sent": (State.SENDING, State.ACCEPTED, State.SENT),
    "delivered": (State.DELIVERED,),
    "failed": (State.UNDELIVERED, State.DEAD),
    "not_sent": tuple(GIVEN_UP - {State.DEAD}),
    "unclear": (State.UNKNOWN, State.ASSUMED),
}
WORDS = {
    "all": "All",
    "waiting": "Waiting",
    "sent": "Sent",
    "delivered": "Delivered",
    "failed": "Not delivered",
    "not_sent": "Not sent",
    "unclear": "Not known",
}


@pages.get("")
def all_deliveries() -> ResponseReturnValue:
    shown = request.args.get("show", "all")
    shown = shown if shown in SHOWN else "all"
    page = page_asked(request.args)
    query = select(Delivery).where(Delivery.state.in_(SHOWN[shown]))
    if shown == "waiting":
        query = query.order_by(Delivery.next_at, Delivery.id)
    else:
        if shown == "all":
            query = query.where(Delivery.due_at <= parts().clock())
        query = query.order_by(Delivery.due_at.desc(), Delivery.id.desc())
    with parts().read_db() as db:
        total = db.scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0
        deliveries = db.scalars(query.limit(PER_PAGE).offset((page - 1) * PER_PAGE)).all()
        return render_template(
            "staff/log.html",
            deliveries=deliveries,
            shown=shown,
            words=WORDS,
            page=page,
            per_page=PER_PAGE,
            total=total,
        )
