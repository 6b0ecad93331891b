"""A member answered by mail: kept once, scanned for distress, an opt-out heeded, and the rest left to a person.

Nothing is answered: the mail that asked says where to write, and whoever reads replies sees this one.
"""

from datetime import datetime
from logging import getLogger

from sqlalchemy.orm import Session

from service.channels.sendgrid_inbound import InboundMail
from service.flows import alert
from service.flows.hand_over import go_along
from service.flows.opting import From, opt_out
from service.flows.receive import LONGEST_KEPT, distress_word, keep, look_for_distress
from service.flows.suppress import lock_members
from service.models import Member, Reply
from service.models.sealed import index_of
from service.rules.consent import Channel
from service.rules.understanding import Meaning, understand

log = getLogger(__name__)


def receive_mail(db: Session, mail: InboundMail, now: datetime) -> None:
    """Keep the mail and do what it asks for. Safe to repeat.

    Whose it is, the address alone says, and it may be forged: so it stops messages, and does nothing else.
    """
    index, members = _sender(db, mail.address)
    reply = Reply(
        provider_id=mail.provider_id,
        channel=Channel.EMAIL,
        member_id=members[0].id if len(members) == 1 else None,
        address_index=index,
        address=mail.address or "nobody: a mailbox wrote it",
        text=mail.words.replace("\x00", "")[:LONGEST_KEPT],
        received_at=now,
        meaning=Meaning.WORDS,
    )
    if not keep(db, reply):
        return
    go_along(db, reply)
    finding = look_for_distress(lambda: mail.words)
    reply.distress = distress_word(finding)
    flag = alert.raise_flag(db, reply, finding, now)
    try:
        with db.begin_nested():  # what breaks from here on leaves the mail, and its flag, where they are
            _act(db, reply, members, mail, now)
    except Exception:
        if flag is None:
            raise
        log.exception("flag %s: its mail could not be acted on", flag.id)


def _act(db: Session, reply: Reply, members: list[Member], mail: InboundMail, now: datetime) -> None:
    reply.meaning = Meaning.AUTOMATIC if mail.is_automatic else _meaning(mail.words)
    if reply.meaning == Meaning.OPT_OUT:
        all_channels = understand(mail.words).all_channels
        whence = From(Channel.EMAIL, reply.address_index)
        opt_out(db, members, whence, mail.words, now, all_channels=all_channels)
    if reply.meaning == Meaning.AUTOMATIC and reply.distress is None:
        reply.handled_at = now


def _sender(db: Session, address: str) -> tuple[bytes, list[Member]]:
    """Those with this address: as it is written, or as people type it, in small letters."""
    local, _, domain = address.rpartition("@")
    as_written = index_of(Channel.EMAIL, f"{local}@{domain.lower()}")
    for index in (as_written, index_of(Channel.EMAIL, address.lower())):
        if members := lock_members(db, Channel.EMAIL, index):
            return index, members
    return as_written, []


def _meaning(words: str) -> Meaning:
    """An opt-out, or words for a person: a C in a mail may be the answer to anything."""
    return Meaning.OPT_OUT if understand(words).meaning is Meaning.OPT_OUT else Meaning.WORDS
