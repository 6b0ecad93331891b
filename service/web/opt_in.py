"""The consent page, by a member's own link or for whoever wants to see it; and what it leads to: terms and privacy."""

from collections.abc import Mapping
from datetime import timedelta

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from service import texts
from service.flows import links
from service.flows.consenting import ON_PAGE, Next, agree_on_page
from service.flows.ledger import Evidence
from service.models import Link, Member, Practice
from service.rules.consent import ASKED, Channel, Purpose
from service.rules.contact import masked
from service.web import parts

pages = Blueprint("opt_in", __name__)

PURPOSE = "opt_in"
LASTS = timedelta(hours=72)
HOW = ("Tick text, email, or both.", "Marque mensaje, correo o los dos.")


@pages.get("/opt-in")
def sample() -> ResponseReturnValue:
    """As members see it, for carriers and whoever else has to look: without a name, and nothing can be saved."""
    with parts().read_db() as db:
        return _page(db, None, _language("en"))


@pages.get("/opt-in/<token>")
def form(token: str) -> ResponseReturnValue:
    with parts().read_db() as db:
        link = links.follow(db, token, PURPOSE, parts().clock())
        if link is None:
            return render_template("member/link_gone.html"), 404
        member = _member(db, link)
        return _page(db, member, _language(member.language))


@pages.post("/opt-in/<token>")
def agree(token: str) -> ResponseReturnValue:
    """Safe to repeat, and the link lives on for its three days: a second thought adds what was not ticked at first."""
    now = parts().clock()
    with parts().open_db() as db:
        link = links.follow(db, token, PURPOSE, now)
        if link is None:
            return render_template("member/link_gone.html"), 404
        member = _member(db, link)
        language = _language(member.language)
        offer = texts.offer(_practice(db), language).of(member.asked)
        purposes = [purpose for purpose in offer.purposes if request.form.get(f"purpose_{purpose}") == "1"]
        channels = [channel for channel in Channel if request.form.get(f"channel_{channel}") == "1"]
        if len(_ways(member)) == 1:
            channels = list(_ways(member))
        if purposes and not channels:
            return _page(db, member, language, error=HOW[language == "es"]), 422
        shown = _as_shown(offer, purposes, channels, language)
        proof = {"page": "/opt-in", "from": request.remote_addr or "", "browser": request.user_agent.string[:200]}
        evidence = Evidence(now, ON_PAGE, "member", shown, language, proof)
        following = agree_on_page(db, member, channels, purposes, evidence, now)
        return _page(db, member, language, following=following, saved=True)


@pages.get("/terms")
def terms() -> ResponseReturnValue:
    return _document("terms")


@pages.get("/privacy")
def privacy() -> ResponseReturnValue:
    return _document("privacy")


def _document(key: str) -> str:
    language = _language("en")
    with parts().read_db() as db:
        practice = _practice(db)
        title, *parts_of_it = texts.page(key, practice, language, {"name": practice.name}).split("\n\n")
    return render_template(
        "member/document.html", title=title, paragraphs=parts_of_it, language=language, page_lang=language
    )


def _page(
    db: Session,
    member: Member | None,
    language: str,
    *,
    error: str = "",
    following: Mapping[Channel, Next] | None = None,
    saved: bool = False,
) -> str:
    return render_template(
        "member/opt_in.html",
        offer=texts.offer(_practice(db), language).of(member.asked if member else ASKED),
        ways=_ways(member) if member else {},
        can_save=member is not None,
        error=error,
        saved=saved,
        following=following or {},
        our_number=parts().settings.twilio.sender,
        language=language,
        page_lang=language,
    )


def _ways(member: Member) -> Mapping[Channel, str]:
    """How they can be reached, as little of it as tells them which of theirs it is."""
    ways = {}
    if member.mobile_index is not None:
        ways[Channel.SMS] = masked(member.mobile)
    if member.email_index is not None:
        name, _, domain = member.email.partition("@")
        ways[Channel.EMAIL] = f"{name[:1]}•••@{domain}"
    return ways


def _as_shown(offer: texts.Offer, purposes: list[Purpose], channels: list[Channel], language: str) -> str:
    by = {Channel.SMS: ("By text", "Por mensaje"), Channel.EMAIL: ("By email", "Por correo")}
    return "\n".join([*(by[channel][language == "es"] for channel in channels), offer.words(purposes)])


def _language(default: str) -> str:
    asked = request.values.get("lang", "")
    return asked if asked in texts.LANGUAGES else default


def _practice(db: Session) -> Practice:
    return db.scalars(select(Practice)).one()


def _member(db: Session, link: Link) -> Member:
    return db.get_one(Member, link.member_id)
