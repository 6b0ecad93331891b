"""Members' pages behind a link: a mail's message, an answer to it, the way out. Opening one changes nothing."""

from datetime import datetime

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from service.flows import attend, fresh_link, links
from service.flows.opting import mails_again, no_more_mails
from service.flows.receive import keep_page_reply
from service.flows.suppress import is_suppressed
from service.models import Delivery, Link, Member
from service.models.groups import Answer
from service.rules.consent import Channel
from service.rules.kinds import NATURES
from service.web import call_people, parts
from service.web.member_links import opened

pages = Blueprint("me", __name__)
one_click = Blueprint("one_click", __name__)
"""Without a form's token: the link is the authority (RFC 8058)."""

LONGEST = 1600
CHOOSE = ("Choose an answer, or write a few words.", "Elija una respuesta o escriba unas palabras.")
THANKS = ("We have noted it.", "Lo hemos anotado.")


@pages.get("/me/<token>")
def message(token: str) -> ResponseReturnValue:
    with parts().read_db() as db:
        return _page(db, opened(db, token, "message"))


@pages.post("/me/<token>")
def answer(token: str) -> ResponseReturnValue:
    """Coming, can't come, or words."""
    page = _answered(token, parts().clock())
    call_people()
    return page


def _answered(token: str, now: datetime) -> ResponseReturnValue:
    with parts().open_db() as db:
        link = opened(db, token, "message")
        delivery = db.get_one(Delivery, link.delivery_id)
        said = request.form.get("answer", "")
        words = request.form.get("words", "").strip()[:LONGEST]
        group_session = delivery.group_session
        told = keep_page_reply(db, delivery, words, now) if words else ""
        if said in set(Answer) and group_session is not None and _can_answer(delivery, now):
            attend.answer(db, group_session, delivery.member, Answer(said), now)
        elif not words:
            return _page(db, link, CHOOSE[delivery.member.language == "es"]), 422
        return _page(db, link, said=told or THANKS[delivery.member.language == "es"])


@pages.post("/me/<token>/choices")
def choose(token: str) -> ResponseReturnValue:
    """To the page on which they say what they get and how it reads, by a link of its own."""
    now = parts().clock()
    with parts().open_db() as db:
        link = opened(db, token, "message")
        own = links.new_link(db, fresh_link.PURPOSE, now + fresh_link.LASTS, member_id=link.member_id)
    return redirect(url_for("opt_in.form", token=own), 303)


@pages.get("/u/<token>")
def ask_to_stop(token: str) -> ResponseReturnValue:
    with parts().read_db() as db:
        link = opened(db, token, "unsubscribe")
        member = db.get_one(Member, link.member_id)
        is_out = member.email_index is not None and is_suppressed(db, Channel.EMAIL, member.email_index)
        return render_template("member/unsubscribe.html", state="off" if is_out else "asked", language=member.language)


@one_click.post("/u/<token>")
def stop(token: str) -> ResponseReturnValue:
    """Safe to repeat: the link lives on, so that a second press gets the same answer."""
    now = parts().clock()
    with parts().open_db() as db:
        link = opened(db, token, "unsubscribe")
        member = db.get_one(Member, link.member_id)
        if request.form.get("again") == "1":
            mails_again(db, member, now)
            return render_template("member/unsubscribe.html", state="on", language=member.language)
        no_more_mails(db, member, now)
        return render_template("member/unsubscribe.html", state="off", language=member.language)


def _page(db: Session, link: Link, error: str = "", said: str = "") -> str:
    delivery = db.get_one(Delivery, link.delivery_id)
    is_prompt = NATURES[delivery.kind].is_prompt
    can_answer = not is_prompt and _can_answer(delivery, parts().clock())
    return render_template(
        "member/message.html",
        delivery=delivery,
        can_answer=can_answer,
        is_prompt=is_prompt,
        error=error,
        said=said,
        language=delivery.member.language,
        token=(request.view_args or {}).get("token", ""),
    )


def _can_answer(delivery: Delivery, now: datetime) -> bool:
    """Whether the member comes is theirs to say, and no companion's."""
    group_session = delivery.group_session
    return group_session is not None and group_session.starts_at > now and not delivery.member.is_companion
