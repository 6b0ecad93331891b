"""Whether each of a group of locked deliveries may go now, and as what: the last moment at which it can be stopped."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from logging import getLogger
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from service.channels import Message
from service.flows import companions, compose
from service.flows.consider import answer_refusal, membership_refusal, window
from service.flows.links import Links
from service.flows.locking import Locked
from service.flows.pace import Lane
from service.flows.post import Post
from service.flows.standing import wants_detail
from service.models import Delivery, GroupSession, Invitation, Member
from service.models.sealed import LOCKED
from service.rules.consent import Channel, Given, Refusal
from service.rules.kinds import NATURES, REMINDERS, Kind, Occasion, slot
from service.rules.lifecycle import State
from service.rules.quiet_hours import Window
from service.rules.segments import count
from service.texts import MissingText

log = getLogger(__name__)

SUPPRESSING = frozenset(
    {
        *(Refusal.NO_ADDRESS, Refusal.NO_CONSENT, Refusal.OPTED_OUT),
        *(Refusal.NOT_SAFE, Refusal.MINOR, Refusal.HALTED),
    }
)
LOOKS_AGAIN = 2.0
EXPIRING = frozenset({Refusal.TOO_LATE, Refusal.SESSION_STARTED})


@dataclass(frozen=True)
class Ready:
    """A delivery that may go now, and what is written beside it at the mark."""

    delivery: Delivery
    message: Message
    values: Mapping[str, object]


@dataclass(frozen=True)
class _Hours:
    """When messages may reach a member, at the moment of the mark."""

    window: Window
    now: datetime

    @cached_property
    def are_open(self) -> bool:
        return self.window.allows(self.now)

    @cached_property
    def close_at(self) -> datetime:
        return self.window.next_closing(self.now)


class Marking:
    """Decides of each delivery of a group whether it may go now."""

    def __init__(self, db: Session, ids: Sequence[UUID], post: Post) -> None:
        self._db, self._post = db, post
        self._facts = Locked(db, ids, post)
        self._now, self._practice = self._facts.now, self._facts.practice
        self._lanes: dict[Channel, Lane] = {}
        self._hours: dict[tuple[object, ...], _Hours] = {}
        self._bodies: dict[tuple[object, ...], compose.Words] = {}
        self._links = Links()

    @property
    def now(self) -> datetime:
        return self._now

    def ready(self) -> Iterator[Ready]:
        """Those that may go now. The others are moved, or given a later hour."""
        for delivery in self._facts.deliveries:
            if delivery.next_at > self._now:
                continue  # taken before it was given a later hour
            try:
                ready = self._prepared(delivery)
            except SQLAlchemyError:
                raise
            except Exception as error:  # a broken one would hold up its whole batch, time and again
                log.exception("delivery %s cannot be made into a message", delivery.id)
                delivery.move(self._db, State.DEAD, self._now, f"broken: {type(error).__name__}", by="worker")
                delivery.settled_at = self._now
            else:
                if ready is not None:
                    yield ready
        self._links.keep(self._db)

    def missed(self, ids: Sequence[UUID]) -> list[UUID]:
        """Those that are no longer scheduled, or that somebody else had locked."""
        found = {delivery.id for delivery in self._facts.deliveries}
        return [one for one in ids if one not in found]

    def _prepared(self, delivery: Delivery) -> Ready | None:
        refusal = self._refusal(delivery)
        if refusal is not None:
            self._give_up(delivery, refusal)
            return None
        if self._is_held(delivery) or self._waits_for_another(delivery):
            return None
        to = delivery.member.address(delivery.channel)
        if to == LOCKED:  # a provider would refuse what stands in for it, and the number be suppressed
            log.error("delivery %s: the field keys at hand do not open its address", delivery.id)
            return None
        try:
            letter = self._letter(delivery, to)
        except MissingText:
            self._give_up(delivery, Refusal.NO_TEXT)
            return None
        if not self._takes_its_turn(delivery, letter):
            return None
        self._facts.budget.take(delivery)
        message = compose.message(self._links, delivery, letter, self._practice, self._post.public_url, self._now)
        return Ready(delivery, message, self._values(delivery, letter))

    def _values(self, delivery: Delivery, letter: compose.Letter) -> dict[str, object]:
        given = self._consent(delivery)
        return {
            "body_sealed": Delivery.body.sealed_for(delivery, letter.body),
            "address_sealed": Delivery.address.sealed_for(delivery, letter.to),
            "address_index": delivery.member.address_index(delivery.channel),
            "wording": letter.wording,
            "consent_seq": given.seq if given else None,
        }

    def _refusal(self, delivery: Delivery) -> Refusal | None:
        if delivery.expires_at <= self._now:
            return Refusal.TOO_LATE
        return self._session_refusal(delivery) or self._consent_refusal(delivery) or self._cap_refusal(delivery)

    def _session_refusal(self, delivery: Delivery) -> Refusal | None:
        group_session, rule = delivery.group_session, delivery.rule
        if group_session is None:
            return None
        if delivery.start_revision != group_session.start_revision:
            return Refusal.SESSION_MOVED
        if group_session.is_cancelled != (delivery.kind is Kind.CANCELLED):
            return Refusal.SESSION_CANCELLED
        if rule is None:
            return None
        if not rule.is_on or group_session.group.closed_at is not None:
            return Refusal.RULE_OFF
        enrolments = self._facts.enrolments[delivery.member.belongs_as, group_session.group_id]
        said = self._facts.attendance.get((group_session.id, delivery.member_id))
        return membership_refusal(enrolments, group_session, group_session.group) or answer_refusal(
            rule, group_session, said
        )

    def _consent_refusal(self, delivery: Delivery) -> Refusal | None:
        member, channel = delivery.member, delivery.channel
        standing = self._facts.standings[member.id]
        index = member.address_index(channel)
        purpose = NATURES[delivery.kind].purpose
        is_prompt = NATURES[delivery.kind].is_prompt
        if member.stopped_at is not None:
            return Refusal.HALTED
        if is_prompt and member.paused_until is not None and member.paused_until > self._now:
            return Refusal.PAUSED
        if is_prompt and member.id in self._facts.held:
            return Refusal.FLAGGED
        if purpose is None:
            return self._invitation_refusal(index, channel, member)
        if member.is_companion and delivery.kind not in companions.KINDS:
            return Refusal.SCHEDULE_ONLY
        chosen = delivery.rule.via.channels(member.choice) if delivery.rule else member.choice.channels
        if channel not in chosen and not delivery.instead_of:
            return Refusal.NOT_CHOSEN
        return standing.refusal(channel, purpose, index) or self._hindrance(member, channel)

    def _hindrance(self, member: Member, channel: Channel) -> Refusal | None:
        """What about the member speaks against a message to their companion."""
        if member.reached_for_id is None:
            return None
        return self._reached_for[member.reached_for_id].hindrance(member, channel)

    @cached_property
    def _reached_for(self) -> Mapping[UUID, companions.ReachedFor]:
        return companions.reached_for(self._db, [delivery.member for delivery in self._facts.deliveries])

    def _consent(self, delivery: Delivery) -> Given | None:
        """What it goes under. None: it is the question for consent itself."""
        purpose, index = NATURES[delivery.kind].purpose, delivery.member.address_index(delivery.channel)
        if purpose is None or index is None:
            return None
        return self._facts.standings[delivery.member_id].consent(delivery.channel, purpose, index)

    def _invitation_refusal(self, index: bytes | None, channel: Channel, member: Member) -> Refusal | None:
        """The question for consent goes to an address that nobody has opted out, while it is still open."""
        refusal = self._facts.standings[member.id].refusal(channel, None, index) or self._hindrance(member, channel)
        if refusal is not None or index is None:
            return refusal
        is_open = self._db.scalars(Invitation.open_for(index, self._now)).first() is not None
        return None if is_open else Refusal.ANSWERED

    def _cap_refusal(self, delivery: Delivery) -> Refusal | None:
        return None if self._facts.budget.has_room(delivery) else Refusal.CAP

    def _is_held(self, delivery: Delivery) -> bool:
        """Whether it is night where the member is: it then waits for its next hour, or has none left."""
        group_session = delivery.group_session
        hours = self._hours_of(delivery)
        wakes_nobody = delivery.channel is Channel.EMAIL and delivery.member.safe_from is None
        if hours.are_open or (wakes_nobody and delivery.kind in (Kind.MOVED, Kind.CANCELLED)):
            return False
        occasion = Occasion(
            starts_at=self._starts_at(group_session),
            ends_at=group_session.ends_at if group_session else self._now,
            window=hours.window,
            known_from=self._now,
        )
        send_at = slot(delivery.kind, self._now, occasion).send_at
        if send_at is None or send_at >= delivery.expires_at + self._grace(delivery):
            if wakes_nobody and delivery.kind in REMINDERS:
                return False  # the night leaves no hour before the session, and a mail wakes nobody
            self._give_up(delivery, Refusal.TOO_LATE)
            return True
        if NATURES[delivery.kind].useful_for is not None and delivery.kind is not Kind.CANCELLED:
            delivery.expires_at = max(delivery.expires_at, send_at + (delivery.expires_at - delivery.next_at))
        delivery.next_at, delivery.queued_until = send_at, None
        delivery.why = f"{delivery.why.partition(',')[0]}, held by quiet hours"
        return True

    def _waits_for_another(self, delivery: Delivery) -> bool:
        """News of a session comes after a reminder of it that is just leaving, not before."""
        about = (delivery.member_id, delivery.group_session_id, delivery.channel)
        if delivery.kind not in (Kind.MOVED, Kind.CANCELLED) or about not in self._facts.under_way:
            return False
        delivery.next_at, delivery.queued_until = self._now + self._post.clock.lasting(LOOKS_AGAIN), None
        return True

    def _takes_its_turn(self, delivery: Delivery, letter: compose.Letter) -> bool:
        """Whether the sending number is free. Otherwise it is as due as before."""
        if delivery.channel not in self._lanes:
            self._lanes[delivery.channel] = Lane(self._db, delivery.channel, self._post, self._now)
        segments = count(letter.body).segments if delivery.channel is Channel.SMS else 1
        if self._lanes[delivery.channel].take(segments):
            return True
        delivery.queued_until = None
        return False

    def _letter(self, delivery: Delivery, to: str) -> compose.Letter:
        """A text that its provider still holds when the member's night begins must die there, not wake them."""
        until = delivery.expires_at
        if delivery.channel is Channel.SMS:
            until = min(until, self._hours_of(delivery).close_at)
        words = self._body(delivery)
        return compose.Letter(to, words.text, words.version, until)

    def _body(self, delivery: Delivery) -> compose.Words:
        """The words: the same for all of a session who read the same language by the same clock, and as much of it."""
        member = delivery.member
        if delivery.group_session_id is None or delivery.kind is Kind.NOTE:
            return compose.words_of(self._db, delivery, self._practice, self._now)
        in_detail = wants_detail(member, self._facts.standings[member.id])
        said_to = (member.language, member.time_zone, member.is_companion, in_detail)
        alike = (delivery.kind, delivery.channel, delivery.group_session_id, *said_to)
        if alike not in self._bodies:
            words = compose.words_of(self._db, delivery, self._practice, self._now, in_detail=in_detail)
            self._bodies[alike] = words
        return self._bodies[alike]

    def _hours_of(self, delivery: Delivery) -> _Hours:
        zone = delivery.group_session.group.time_zone if delivery.group_session else self._practice.time_zone
        member = delivery.member
        clocks = (zone, member.time_zone, *member.number_zones, member.safe_from, member.safe_until)
        if clocks not in self._hours:
            self._hours[clocks] = _Hours(window(self._practice, zone, delivery.member), self._now)
        return self._hours[clocks]

    def _give_up(self, delivery: Delivery, refusal: Refusal) -> None:
        to = State.CANCELLED
        if refusal in SUPPRESSING:
            to = State.SUPPRESSED
        elif refusal in EXPIRING:
            to = State.EXPIRED
        delivery.move(self._db, to, self._now, refusal, by="worker")
        delivery.settled_at = self._now

    def _starts_at(self, group_session: GroupSession | None) -> datetime:
        return group_session.starts_at if group_session else self._now + timedelta(days=1)

    @staticmethod
    def _grace(delivery: Delivery) -> timedelta:
        """A prompt that the night holds back is as useful in the morning; a reminder keeps its deadline."""
        return timedelta(hours=14) if NATURES[delivery.kind].useful_for else timedelta()
