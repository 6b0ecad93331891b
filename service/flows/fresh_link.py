"""A new way to the page on which members choose what they get, by text or mail: where they agreed to be written to."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.flows import links, write
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


def send(db: Session, member: Member, public_url: str, now: datetime, why: str = write.BY_STAFF) -> Channel | None:
    """The way of every message, with its consent, hours and limits. Returns how it goes, or None: it may not."""
    found = write.reach(db, [member], write.Draft("", None, now, why), now)
    if not found.deliveries:
        return None
    delivery = found.deliveries[0]  # the text, where both may go
    said = BY_TEXT if delivery.channel is Channel.SMS else BY_MAIL
    words = said.get(member.language, said["en"])
    if delivery.channel is Channel.SMS:
        token = links.new_link(db, PURPOSE, now + LASTS, member_id=member.id)
        words = words.format(link=f"{public_url}/opt-in/{token}")
    delivery.body = words
    write.send(db, write.Reach([delivery]), now)
    return delivery.channel


def send_again(db: Session, token: str, public_url: str, now: datetime) -> None:
    """To whose link this was, to where they are reached, and at most once a day. Whoever holds it is told nothing."""
    member = _owner(db, token)
    if member is not None and belongs(db, member, now) and not _was_sent(db, member, now):
        send(db, member, public_url, now, ASKED_FOR)


def _owner(db: Session, token: str) -> Member | None:
    """Locked: pressed twice, one goes. A companion's messages are about the schedule alone."""
    link = db.scalars(select(Link).where(Link.token_hash == links.hashed(token))).first()
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
