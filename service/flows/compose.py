"""A delivery becomes a message: which text it is today, on whose clock, with which links."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from service import texts
from service.channels import Message
from service.flows import reword
from service.flows.links import Links
from service.flows.way_out import has_room, is_due, with_way_out
from service.models import Delivery, Group, GroupSession, Practice
from service.rules import wording
from service.rules.consent import Channel
from service.rules.kinds import PROMPTS, Kind

TEXTS = {
    Kind.REMINDER: "reminder_discreet",
    Kind.SAME_DAY: "same_day_discreet",
    Kind.REFLECTION: "reflection_prompt",
    Kind.CHECKIN: "checkin_0_10",
    Kind.GOAL: "goal_checkin",
    Kind.MOVED: "reschedule",
    Kind.CANCELLED: "cancellation",
    Kind.INVITATION: "opt_in_request",
    Kind.NOTE: "staff_note",
}
DETAILED = {"reminder_discreet": "reminder_detailed", "same_day_discreet": "same_day_detailed"}
"""The texts that can name the group and the place, for whoever chose it."""
SHORTER = {"reflection_prompt": "reflection_prompt_with_stop"}
"""Of ours the one that leaves no room for how to end texts: where that is due it is put in fewer words."""
LINKS_LAST = timedelta(hours=72)


@dataclass(frozen=True)
class Words:
    """What a delivery says, and which version of which text that is."""

    text: str
    version: str

    @property
    def is_detailed(self) -> bool:
        return self.version.startswith(tuple(f"sms/{key}/" for key in DETAILED.values()))


def words_of(db: Session, delivery: Delivery, practice: Practice, now: datetime, *, in_detail: bool = False) -> Words:
    """What the delivery says if it goes out now. Raises MissingText where the member's language has no such text.

    `in_detail`: with the group's name and place, where there is such a text and it can be said.
    """
    member = delivery.member
    group_session = delivery.group_session
    if delivery.kind is Kind.NOTE:
        return _note(db, delivery, practice)
    if group_session is None:
        return _said(db, delivery, practice, TEXTS[delivery.kind], {})
    values = texts.fields_of(group_session, member, practice)
    key = TEXTS[delivery.kind]
    if delivery.kind is Kind.SAME_DAY and not _is_today(group_session, delivery, now):
        key = TEXTS[Kind.REMINDER]  # "today" only where it is true
    if delivery.kind is Kind.MOVED and group_session.moved_from is not None:
        said = texts.when(group_session.moved_from, group_session.group, member, practice)
        values = {"day": said.day, "time": said.time, "next_day": values["day"], "next_time": values["time"]}
    if delivery.kind is Kind.CANCELLED:
        following = db.scalars(GroupSession.next_after(group_session.group_id, group_session.starts_at)).first()
        key = "cancellation" if following else "cancellation_last"
        if following:
            said = texts.when(following.starts_at, following.group, member, practice)
            values |= {"next_day": said.day, "next_time": said.time}
    told = _in_detail(db, delivery, practice, key, values) if in_detail else None
    return told or _said(db, delivery, practice, key, values)


def _in_detail(
    db: Session, delivery: Delivery, practice: Practice, key: str, values: Mapping[str, str]
) -> Words | None:
    about, language = delivery.group_session, delivery.member.language
    if key not in DETAILED or delivery.channel is not Channel.SMS or about is None:
        return None
    told = detailed(db, DETAILED[key], about.group, language, practice, values)
    return None if told.obstacle else told.words


@dataclass(frozen=True)
class Detailed:
    """A text with the group's name and place, and why it cannot go out so; "" where it can."""

    words: Words
    obstacle: str


def detailed(
    db: Session, key: str, group: Group, language: str, practice: Practice, values: Mapping[str, str]
) -> Detailed:
    """It can go out about every session of the group or about none: the longest day and hour must fit as well."""
    named = {"group": group.outside_name, "place": group.place}
    own = reword.in_force(db, practice, "sms", key, language)
    words = own.words if own and own.words else texts.ours("sms", key, language)
    text, longest = (
        texts.filled("sms", words, practice, language, {**given, **named}) for given in (values, texts.LONGEST)
    )
    why = wording.why_discreet(longest, group.place, group.name) or wording.why_discreet(text, group.place, group.name)
    return Detailed(Words(text, f"sms/{key}/{language}/{own.version if own else 0}"), why)


def _note(db: Session, delivery: Delivery, practice: Practice) -> Words:
    """What staff wrote: kept raw until the first try, and as it left from then on."""
    if delivery.attempts:
        return Words(delivery.body, delivery.wording or "")
    about = texts.fields_of(delivery.group_session, delivery.member, practice) if delivery.group_session else {}
    words = texts.filled("page", delivery.body, practice, delivery.member.language, about)
    return _said(db, delivery, practice, TEXTS[Kind.NOTE], {"words": words})


def _said(db: Session, delivery: Delivery, practice: Practice, key: str, values: Mapping[str, str]) -> Words:
    """In staff's own words where there are some."""
    # a mail leads to a page with buttons: there is nothing to reply to
    medium, language = "page" if delivery.channel is Channel.EMAIL else "sms", delivery.member.language
    key = reword.TO_COMPANIONS.get(key, key) if delivery.member.is_companion else key
    own = reword.in_force(db, practice, medium, key, language)
    words = own.words if own and own.words else texts.ours(medium, key, language)
    version = f"{medium}/{key}/{language}/{own.version if own else 0}"
    text = texts.filled(medium, words, practice, language, values)
    if medium == "sms" and delivery.kind in PROMPTS and _says_how_to_end(db, delivery, text):
        is_ours = own is None and key in SHORTER and not has_room(text, language)
        text = texts.sms(SHORTER[key], practice, language, values) if is_ours else with_way_out(text, language)
    return Words(text, version)


def _says_how_to_end(db: Session, delivery: Delivery, text: str) -> bool:
    about = delivery.group_session
    return has_room(text, delivery.member.language) or (about is not None and is_due(db, about))


@dataclass(frozen=True)
class Letter:
    """To whom, what it says, and from when on it is of no more use."""

    to: str
    body: str
    wording: str
    useful_until: datetime


def message(
    links: Links, delivery: Delivery, of: Letter, practice: Practice, public_url: str, now: datetime
) -> Message:
    """The message of a delivery, ready to leave. Adds the links that a mail carries to those that are kept with it."""
    if delivery.channel is Channel.SMS:
        return Message(to=of.to, text=of.body, reference=str(delivery.id), useful_for=of.useful_until - now)
    return _mail(links, delivery, of, practice, public_url, now)


def _mail(links: Links, delivery: Delivery, of: Letter, practice: Practice, public_url: str, now: datetime) -> Message:
    """A mail says only that there is a message: its words wait behind the link."""
    page = links.new("message", now + LINKS_LAST, delivery)
    stop = links.new("unsubscribe", None, delivery)
    unsubscribe = f"{public_url}/u/{stop}"
    subject, body = texts.email(
        "link_only",
        practice,
        delivery.member.language,
        {"link": f"{public_url}/me/{page}", "unsubscribe": unsubscribe},
    )
    headers = one_click(unsubscribe)
    return Message(to=of.to, text=body, reference=str(delivery.id), subject=subject, headers=headers)


def one_click(address: str) -> dict[str, str]:
    """RFC 8058: one press, without a page; live mode always has an https address."""
    return {"List-Unsubscribe": f"<{address}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def _is_today(group_session: GroupSession, delivery: Delivery, now: datetime) -> bool:
    group: Group = group_session.group
    start = texts.local_day(group_session.starts_at, group, delivery.member)
    return start.date() == now.astimezone(start.tzinfo).date()
