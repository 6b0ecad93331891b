"""The consent page, by a member's own link or for whoever wants to see it; and what it leads to: terms and privacy."""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from service import texts
from service.flows import detail, links
from service.flows.consenting import ON_PAGE, Next, agree_on_page
from service.flows.ledger import Evidence
from service.flows.standing import standing, wants_detail
from service.models import Link, Member, Practice
from service.rules.consent import ASKED, Channel, Purpose
from service.rules.contact import masked
from service.web import parts

pages = Blueprint("opt_in", __name__)

PURPOSE = "opt_in"
LASTS = timedelta(hours=72)
NO_ERRORS: Mapping[str, str] = MappingProxyType({})
HOW = ("Tick text, email, or both.", "Marque mensaje, correo o los dos.")
REMINDERS_FIRST = (
    "Tick reminders by text too: this is about how they read.",
    "Marque también los recordatorios por mensaje: se trata de cómo se leen.",
)


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
        named = detail.offer(db, member, _practice(db), now)
        ticked, errors = _ticked(db, member, language, named)
        if errors:
            return _page(db, member, language, errors=errors), 422
        shown = _as_shown(texts.offer(_practice(db), language), ticked, language)
        evidence = Evidence(now, ON_PAGE, "member", shown, language, _proof(ticked, named))
        following = agree_on_page(db, member, ticked, evidence, now)
        return _page(db, member, language, following=following, done="saved")


@pages.post("/opt-in/<token>/discreet")
def discreet(token: str) -> ResponseReturnValue:
    """Back to texts that name no group, as easily as they were chosen. Safe to repeat."""
    now = parts().clock()
    with parts().open_db() as db:
        link = links.follow(db, token, PURPOSE, now)
        if link is None:
            return render_template("member/link_gone.html"), 404
        member = _member(db, link)
        language = _language(member.language)
        detail.take_back(db, member, Evidence(now, ON_PAGE, "member", "", language, _proof({})), now)
        return _page(db, member, language, done="discreet")


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
    errors: Mapping[str, str] = NO_ERRORS,
    following: Mapping[Channel, Next] | None = None,
    done: str = "",
) -> str:
    practice = _practice(db)
    named = detail.offer(db, member, practice, parts().clock()) if member else detail.example(practice, language)
    current = standing(db, member) if member else None
    return render_template(
        "member/opt_in.html",
        offer=texts.offer(practice, language).of(member.asked if member else ASKED),
        samples=named.texts,
        text_language=member.language if member else language,
        in_detail=member is not None and current is not None and wants_detail(member, current),
        has_agreed=member is not None
        and current is not None
        and any(current.agreed(channel, member.address_index(channel)) for channel in Channel),
        ways=_ways(member) if member else {},
        can_save=member is not None,
        token=(request.view_args or {}).get("token", ""),
        errors=dict(errors),
        done=done,
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


def _ticked(
    db: Session, member: Member, language: str, named: detail.Offer
) -> tuple[Mapping[Channel, list[Purpose]], dict[str, str]]:
    """What is wanted on which channel, and what is wrong, by field."""
    form, ways = request.form, _ways(member)
    purposes = [purpose for purpose in member.asked if form.get(f"purpose_{purpose}") == "1"]
    channels = [channel for channel in Channel if form.get(f"channel_{channel}") == "1"]
    if len(ways) == 1:
        channels = list(ways)
    if purposes and not channels:
        return {}, {"channel_sms": HOW[language == "es"]}
    ticked = dict.fromkeys(channels, purposes) if purposes else {}
    if form.get(f"purpose_{Purpose.DETAILED}") != "1" or not named.texts:
        return ticked, {}
    by_text = ticked.get(Channel.SMS, [])
    reminded = standing(db, member).agreed(Channel.SMS, member.mobile_index)
    if Purpose.REMINDER not in (*by_text, *reminded):
        return {}, {f"purpose_{Purpose.DETAILED}": REMINDERS_FIRST[language == "es"]}
    return {**ticked, Channel.SMS: [*by_text, Purpose.DETAILED]}, {}


def _proof(ticked: Mapping[Channel, list[Purpose]], named: detail.Offer = detail.NOTHING) -> dict[str, str]:
    shown = named.proof if Purpose.DETAILED in ticked.get(Channel.SMS, ()) else {}
    page = {"page": "/opt-in", "from": request.remote_addr or "", "browser": request.user_agent.string[:200]}
    return page | shown


def _as_shown(offer: texts.Offer, ticked: Mapping[Channel, list[Purpose]], language: str) -> str:
    by = {Channel.SMS: ("By text", "Por mensaje"), Channel.EMAIL: ("By email", "Por correo")}
    purposes = {purpose for wanted in ticked.values() for purpose in wanted}
    return "\n".join([*(by[channel][language == "es"] for channel in ticked), offer.words(purposes)])


def _language(default: str) -> str:
    asked = request.values.get("lang", "")
    return asked if asked in texts.LANGUAGES else default


def _practice(db: Session) -> Practice:
    return db.scalars(select(Practice)).one()


def _member(db: Session, link: Link) -> Member:
    return db.get_one(Member, link.member_id)
