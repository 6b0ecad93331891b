"""The consent page, by a member's own link or for whoever wants to see it; and what it leads to: terms and privacy."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from service import texts
from service.flows import detail, fresh_link
from service.flows.consenting import ON_PAGE, Next, agree_on_page
from service.flows.ledger import Evidence
from service.flows.standing import standing, wants_detail
from service.models import Member, Practice
from service.rules.consent import ASKED, Channel, Purpose
from service.rules.contact import masked
from service.web import parts
from service.web.member_links import opened

pages = Blueprint("opt_in", __name__)

PURPOSE = "opt_in"
"""Of a link that staff made, for whom they know."""
NO_ERRORS: Mapping[str, str] = MappingProxyType({})
HOW = ("Tick text, email, or both.", "Marque mensaje, correo o los dos.")
REMINDERS_FIRST = (
    "Tick reminders by text too: this is about how they read.",
    "Marque también los recordatorios por mensaje: se trata de cómo se leen.",
)


@dataclass(frozen=True)
class Visit:
    """Whoever came by a link of their own, and in which language they read."""

    member: Member
    language: str
    named: detail.Offer
    """The texts that name their groups, which they may choose where it is known that it is them."""
    can_be_named: bool
    """Whether there are any."""


@pages.get("/opt-in")
def sample() -> ResponseReturnValue:
    """As members see it, for carriers and whoever else has to look: without a name, and nothing can be saved."""
    with parts().read_db() as db:
        return _page(db, _language("en"))


@pages.get("/opt-in/<token>")
def form(token: str) -> ResponseReturnValue:
    with parts().read_db() as db:
        visit = _visit(db, token)
        return _page(db, visit.language, visit)


@pages.post("/opt-in/<token>")
def agree(token: str) -> ResponseReturnValue:
    """Safe to repeat, and the link lives on for its three days: a second thought adds what was not ticked at first."""
    now = parts().clock()
    with parts().open_db() as db:
        visit = _visit(db, token)
        ticked, errors = _ticked(db, visit)
        if errors:
            return _page(db, visit.language, visit, errors=errors), 422
        shown = _as_shown(texts.offer(_practice(db), visit.language), ticked, visit.language)
        following = agree_on_page(db, visit.member, ticked, _evidence(visit, shown, ticked, now), now)
        return _page(db, visit.language, visit, following=following, done="saved")


@pages.post("/opt-in/<token>/discreet")
def discreet(token: str) -> ResponseReturnValue:
    """Back to texts that name no group, as easily as they were chosen. Safe to repeat."""
    now = parts().clock()
    with parts().open_db() as db:
        visit = _visit(db, token)
        detail.take_back(db, visit.member, _evidence(visit, "", {}, now), now)
        return _page(db, visit.language, visit, done="discreet")


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


def _visit(db: Session, token: str) -> Visit:
    link = opened(db, token, PURPOSE, fresh_link.PURPOSE)
    member = db.get_one(Member, link.member_id)
    named = detail.offer(db, member, _practice(db), parts().clock())
    shown = named if link.purpose == PURPOSE else detail.NOTHING
    return Visit(member, _language(member.language), shown, bool(named.texts))


def _page(
    db: Session,
    language: str,
    visit: Visit | None = None,
    *,
    errors: Mapping[str, str] = NO_ERRORS,
    following: Mapping[Channel, Next] | None = None,
    done: str = "",
) -> str:
    """Without a visit: the sample, as members see it."""
    practice = _practice(db)
    member = visit.member if visit else None
    return render_template(
        "member/opt_in.html",
        offer=texts.offer(practice, language).of(member.asked if member else ASKED),
        samples=(visit.named if visit else detail.example(practice, language)).texts,
        ask_office=visit is not None and visit.can_be_named and not visit.named.texts,
        text_language=member.language if member else language,
        **_agreed(db, member),
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


def _agreed(db: Session, member: Member | None) -> dict[str, bool]:
    """Whether they agreed to anything before, and whether their texts name the group."""
    if member is None:
        return {"has_agreed": False, "in_detail": False}
    current = standing(db, member)
    return {
        "has_agreed": any(current.agreed(channel, member.address_index(channel)) for channel in Channel),
        "in_detail": wants_detail(member, current),
    }


def _ways(member: Member) -> Mapping[Channel, str]:
    """How they can be reached, as little of it as tells them which of theirs it is."""
    ways = {}
    if member.mobile_index is not None:
        ways[Channel.SMS] = masked(member.mobile)
    if member.email_index is not None:
        name, _, domain = member.email.partition("@")
        ways[Channel.EMAIL] = f"{name[:1]}•••@{domain}"
    return ways


def _ticked(db: Session, visit: Visit) -> tuple[Mapping[Channel, list[Purpose]], dict[str, str]]:
    """What is wanted on which channel, and what is wrong, by field."""
    form, member, ways = request.form, visit.member, _ways(visit.member)
    purposes = [purpose for purpose in member.asked if form.get(f"purpose_{purpose}") == "1"]
    channels = [channel for channel in Channel if form.get(f"channel_{channel}") == "1"]
    if len(ways) == 1:
        channels = list(ways)
    if purposes and not channels:
        return {}, {"channel_sms": HOW[visit.language == "es"]}
    ticked = dict.fromkeys(channels, purposes) if purposes else {}
    if form.get(f"purpose_{Purpose.DETAILED}") != "1" or not visit.named.texts:
        return ticked, {}
    by_text = ticked.get(Channel.SMS, [])
    reminded = standing(db, member).agreed(Channel.SMS, member.mobile_index)
    if Purpose.REMINDER not in (*by_text, *reminded):
        return {}, {f"purpose_{Purpose.DETAILED}": REMINDERS_FIRST[visit.language == "es"]}
    return {**ticked, Channel.SMS: [*by_text, Purpose.DETAILED]}, {}


def _evidence(visit: Visit, shown: str, ticked: Mapping[Channel, list[Purpose]], now: datetime) -> Evidence:
    sample = visit.named.proof if Purpose.DETAILED in ticked.get(Channel.SMS, ()) else {}
    page = {"page": "/opt-in", "from": request.remote_addr or "", "browser": request.user_agent.string[:200]}
    return Evidence(now, ON_PAGE, "member", shown, visit.language, page | sample)


def _as_shown(offer: texts.Offer, ticked: Mapping[Channel, list[Purpose]], language: str) -> str:
    by = {Channel.SMS: ("By text", "Por mensaje"), Channel.EMAIL: ("By email", "Por correo")}
    purposes = {purpose for wanted in ticked.values() for purpose in wanted}
    return "\n".join([*(by[channel][language == "es"] for channel in ticked), offer.words(purposes)])


def _language(default: str) -> str:
    asked = request.values.get("lang", "")
    return asked if asked in texts.LANGUAGES else default


def _practice(db: Session) -> Practice:
    return db.scalars(select(Practice)).one()
