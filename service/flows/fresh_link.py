"""A new way to a page of the member's own, by text or mail: where they agreed to be written to."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.flows import agreements, links, write
from service.flows.enrol import belongs
from service.models import Delivery, Link, Member
from service.rules.consent import Channel
from service.rules.kinds import Kind

PURPOSE = "choices"
"""Of a link that came to a mailbox or a phone: whoever else reads there must learn of no group (security.md, S3)."""
LASTS = timedelta(hours=72)
ASKED_FOR = "they asked for a new link"
NOT_AGAIN_WITHIN = timedelta(days=1)
BY_TEXT = {
    "en": "On this page, open for 3 days, you choose what you get: {link}",
    "es": "En esta pagina, abierta 3 dias, elige lo que recibe: {link}",
}
BY_MAIL = {
    "en": "You choose what you get. The button below leads to the page.",
    "es": "Usted elige lo que recibe. El botón de abajo lleva a la página.",
}
"""The page of a mail has that button."""


@dataclass(frozen=True)
class Way:
    """To one of the pages: what a link of it is for, and what is said with it."""

    purpose: str
    path: str
    lasts: timedelta
    by_text: Mapping[str, str]
    by_mail: Mapping[str, str]


TO_CHOICES = Way(PURPOSE, "opt-in", LASTS, BY_TEXT, BY_MAIL)
TO_AGREEMENT = Way(
    agreements.PURPOSE, "agreement", agreements.LINKS_LAST, by_text=agreements.ASKING, by_mail=agreements.ASKING
)


def send(
    db: Session, member: Member, public_url: str, now: datetime, why: str = write.BY_STAFF, way: Way = TO_CHOICES
) -> Channel | None:
    """The way of every message, with its consent, hours and limits. Returns how it goes, or None: it may not."""
    found = write.reach(db, [member], write.Draft("", None, now, why), now)
    if not found.deliveries:
        return None
    delivery = found.deliveries[0]  # the text, where both may go
    said = way.by_text if delivery.channel is Channel.SMS else way.by_mail
    words = said.get(member.language, said["en"])
    if "{link}" in words:
        token = links.new_link(db, way.purpose, now + way.lasts, member_id=member.id)
        words = words.format(link=f"{public_url}/{way.path}/{token}")
    delivery.body = words
    write.send(db, write.Reach([delivery]), now)
    return delivery.channel


def send_again(db: Session, token: str, public_url: str, now: datetime) -> None:
    """To whose link this was, to where they are reached, and at most once a day. Whoever holds it is told nothing."""
    link = db.scalars(select(Link).where(Link.token_hash == links.hashed(token))).first()
    member = _owner(db, link)
    if link is not None and member is not None and belongs(db, member, now) and not _was_sent(db, member, now):
        way = TO_AGREEMENT if link.purpose == TO_AGREEMENT.purpose else TO_CHOICES
        send(db, member, public_url, now, ASKED_FOR, way)


def _owner(db: Session, link: Link | None) -> Member | None:
    """Locked: pressed twice, one goes. A companion's messages are about the schedule alone."""
    query = select(Member).where(Member.id == (link.member_id if link else None), Member.reached_for_id.is_(None))
    return db.scalars(query.with_for_update()).first()


def _was_sent(db: Session, member: Member, now: datetime) -> bool:
    lately = select(Delivery.id).where(
        Delivery.member_id == member.id,
        Delivery.due_at > now - NOT_AGAIN_WITHIN,
        Delivery.kind == Kind.NOTE,
        Delivery.why == ASKED_FOR,
    )
    return db.scalars(lately.limit(1)).first() is not None
