"""What still stands between practice and live: whether each provider was heard of, and what is not filled in."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Exists, exists, select
from sqlalchemy.orm import Session

from service import texts
from service.channels import Channel as Sender
from service.channels import Message
from service.flows import second_factor
from service.flows.audit import audit
from service.flows.on_call import reached
from service.flows.suppress import is_suppressed
from service.flows.watching import unwatched
from service.models import AuditEntry, Delivery, DeliveryEvent, Member, Practice, Reply
from service.models.base import uuid7
from service.models.sealed import index_of
from service.rules import wording
from service.rules.consent import Channel
from service.rules.lines import LINES

TESTED = "provider tested"


@dataclass(frozen=True)
class Step:
    """One thing to have done before members get messages."""

    title: str
    is_done: bool
    how: str


def heard(db: Session) -> Mapping[str, bool]:
    """Which of the providers' reports have come in at least once, by the path they are to come to."""
    tests = [
        UUID(row.details["reference"]) for row in db.scalars(select(AuditEntry).where(AuditEntry.action == TESTED))
    ]
    event, ours = DeliveryEvent, select(Delivery.id).where(Delivery.channel == Channel.SMS)
    mails = select(Delivery.id).where(Delivery.channel == Channel.EMAIL)
    reported = event.by == "callback"
    inbound = Reply.by_provider()
    return {
        "/webhooks/twilio/inbound": _any(db, exists().where(Reply.channel == Channel.SMS, inbound)),
        "/webhooks/twilio/status": _any(
            db, exists().where((reported & event.delivery_id.in_(ours)) | event.delivery_id.in_(tests))
        ),
        "/webhooks/sendgrid/events": _any(db, exists().where(reported, event.delivery_id.in_(mails))),
        "/webhooks/sendgrid/inbound": _any(db, exists().where(Reply.channel == Channel.EMAIL, inbound)),
    }


def steps(db: Session, is_live: bool, now: datetime) -> list[Step]:
    """In the order in which they are done."""
    live = Step(
        "Live mode",
        is_live,
        "Set GROUPKEEPER_MODE=live and the providers' keys, as .env.example lists them, and start again.",
    )
    return [*_of_the_practice(db, now), *_of_people(db, now), *_of_providers(db), live]


def _of_the_practice(db: Session, now: datetime) -> Iterator[Step]:
    practice = db.scalars(select(Practice)).one()
    yield Step(
        "A neutral name opens every text",
        not wording.problems(practice.sender_label),
        "Change it in the settings: no word of care, as registered with the carriers.",
    )
    yield Step("Phone and postal address", bool(practice.phone and practice.postal_address), "In the settings.")
    yield Step(
        "The crisis lines of your country were checked of late",
        LINES[practice.country].are_current(now.date()),
        "They are part of each version: update Groupkeeper, or have them checked.",
    )


def _of_people(db: Session, now: datetime) -> Iterator[Step]:
    yield Step(
        "Somebody is on call and has answered a test",
        bool(reached(db, now)),
        "Under On call: texts that ask for words need a person.",
    )
    lacking, must = second_factor.lacking(db)
    yield Step(
        "A second step at sign-in for whoever reads replies",
        not lacking,
        f"Still without it: {lacking} of {must} administrators and facilitators. They set it up under their own "
        "names; in live mode nothing else opens to them until they have.",
    )
    waiting = unwatched(db, now)
    yield Step(
        "Every question for words has somebody to call",
        not waiting,
        f"{len(waiting)} {'group is' if len(waiting) == 1 else 'groups are'} to be asked for words, and no contact "
        "has answered a test page in the last 30 days: these questions wait. Test one under On call.",
    )


def _of_providers(db: Session) -> Iterator[Step]:
    came = heard(db)
    yield Step("Twilio reports what became of a text", came["/webhooks/twilio/status"], "Send a test to your phone.")
    yield Step("Twilio brings replies", came["/webhooks/twilio/inbound"], "Text any word to the practice's number.")
    yield Step("SendGrid reports what became of a mail", came["/webhooks/sendgrid/events"], "Paste its address there.")


def may_test(db: Session, mobile: str) -> str | None:
    """Why no test goes to this number, or None. Members are written to under their consent, never as a test."""
    index = index_of(Channel.SMS, mobile)
    if db.scalars(Member.with_mobile(index)).first() is not None:
        return "This is a member's number. Use your own phone."
    return "This number has opted out." if is_suppressed(db, Channel.SMS, index) else None


def test_text(db: Session, staff_id: UUID, now: datetime) -> tuple[str, UUID]:
    """The words of a test, and the id under which its report will come. Kept before it is sent."""
    practice = db.scalars(select(Practice)).one()
    reference = uuid7()
    audit(db, staff_id, TESTED, practice, now, reference=str(reference))
    return texts.sms("provider_test", practice, "en", {}), reference


def send_test(sender: Sender, mobile: str, words: str, reference: UUID) -> None:
    """Hand it over. Blocks up to the client's time-out. Raises ChannelError."""
    sender.send(Message(to=mobile, text=words, reference=str(reference)))


def _any(db: Session, question: Exists) -> bool:
    return bool(db.scalar(select(question)))
