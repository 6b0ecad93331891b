"""When the messages about one session go out: reckoned once for all members whose choice and whose clocks are alike."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from service.models import GroupSession, Rule
from service.rules import sentences
from service.rules.consent import Channel, Choice
from service.rules.kinds import REMINDERS, Occasion, expires_at, slot
from service.rules.quiet_hours import Window

NOT_TWICE_WITHIN = timedelta(hours=12)
"""A reminder whose time has passed is not made up for where the next one comes so soon."""


@dataclass(frozen=True)
class Entry:
    """When one rule's message goes out, quiet hours kept, and until when it is of use."""

    rule: Rule
    about: str
    """Which rule, and which start of which session."""
    is_chosen: bool
    """Whether the rule uses this channel for who made this choice."""
    due_at: datetime
    next_at: datetime
    expires_at: datetime
    why: str
    is_too_late: bool


@dataclass(frozen=True)
class Timetable:
    """All that planning asks about the hours of one session's messages."""

    group_session: GroupSession
    next_starts_at: datetime | None
    rules: Sequence[Rule]
    zone: ZoneInfo
    now: datetime
    _known: dict[tuple[Channel, Choice, Window], Sequence[Entry]] = field(default_factory=dict)

    def entries(self, channel: Channel, choice: Choice, window: Window) -> Sequence[Entry]:
        """The soonest first."""
        alike = channel, choice, window
        if alike not in self._known:
            self._known[alike] = list(self._reckoned(*alike))
        return self._known[alike]

    def _reckoned(self, channel: Channel, choice: Choice, window: Window) -> Iterator[Entry]:
        start, end = self.group_session.starts_at, self.group_session.ends_at
        timed = [(rule.timing.due_at(start, end, self.zone), rule) for rule in self.rules]
        timed.sort(key=lambda one: one[0])
        chosen = {rule for rule in self.rules if channel in rule.via.channels(choice)}
        reminding = [at for at, rule in timed if rule.kind in REMINDERS and rule.is_on and rule in chosen]
        for due_at, rule in timed:
            later = (at for at in reminding if at > due_at and rule.kind in REMINDERS)
            yield self._entry(rule, due_at, next(later, None), window, is_chosen=rule in chosen)

    def _entry(
        self, rule: Rule, due_at: datetime, superseded_at: datetime | None, window: Window, *, is_chosen: bool
    ) -> Entry:
        """`superseded_at`: when a later reminder takes its place. One that goes to others, or elsewhere, does not."""
        where = slot(rule.kind, due_at, self._occasion(window))
        send_at = where.send_at or due_at
        ends = expires_at(rule.kind, send_at, self.group_session.starts_at)
        if superseded_at is not None and send_at < superseded_at < ends:
            ends = superseded_at
        late = due_at < self.now and where.send_at is not None
        soon = self.now + (NOT_TWICE_WITHIN if late else timedelta())
        # a reminder with no useful hour stays: by mail it wakes nobody, as a text staff see that it did not go
        has_no_hour = where.send_at is None and not (rule.kind in REMINDERS and due_at > self.now)
        too_late = has_no_hour or ends <= self.now or (superseded_at is not None and superseded_at <= soon)
        return Entry(
            rule=rule,
            about=f"{rule.id}|{self.group_session.id}|{self.group_session.start_revision}",
            is_chosen=is_chosen,
            due_at=due_at.astimezone(UTC),
            next_at=send_at,
            expires_at=ends,
            why=sentences.timing(rule.timing)
            + (", its time had passed" if late else sentences.MOVED_BY.get(where.action, "")),
            is_too_late=too_late,
        )

    def _occasion(self, window: Window) -> Occasion:
        return Occasion(
            starts_at=self.group_session.starts_at,
            ends_at=self.group_session.ends_at,
            window=window,
            known_from=self.now,
            next_starts_at=self.next_starts_at,
        )
