"""The life of a delivery, and every move that is allowed in it.

    SCHEDULED -> SENDING -> ACCEPTED -> SENT -> DELIVERED
        |           |                       -> UNDELIVERED
        |           +-> UNKNOWN -> (looked up) -> ACCEPTED | SCHEDULED | ASSUMED
        +-> SUPPRESSED | CANCELLED | EXPIRED | DEAD

SENDING is the mark: committed before the provider is called, so a crash leaves a question, never a second message.
"""

from collections.abc import Mapping
from enum import StrEnum


class State(StrEnum):
    SCHEDULED = "scheduled"
    """Not in a provider's hands, for certain."""
    SENDING = "sending"
    """The call may be happening, or have happened."""
    UNKNOWN = "unknown"
    """The answer was lost, or the worker was."""
    ACCEPTED = "accepted"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    ASSUMED = "assumed"
    """Never found out, and not sent again."""
    SUPPRESSED = "suppressed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    DEAD = "dead"
    """Refused for good."""


REPORTED = frozenset({State.ACCEPTED, State.SENT, State.DELIVERED, State.UNDELIVERED})
"""What a provider may report, in any order, early or late."""

GIVEN_UP = frozenset({State.SUPPRESSED, State.CANCELLED, State.EXPIRED, State.DEAD})
"""Not sent, and why is in the reason."""

MOVES: Mapping[State, frozenset[State]] = {
    # of one that was tried, believed lost and put back, a late report says that it went after all
    State.SCHEDULED: frozenset({State.SENDING}) | GIVEN_UP | REPORTED,
    State.SENDING: frozenset({State.SCHEDULED, State.UNKNOWN, State.DEAD, State.SUPPRESSED}) | REPORTED,
    State.UNKNOWN: frozenset({State.SCHEDULED, State.ASSUMED, State.DEAD}) | REPORTED,
    State.ASSUMED: REPORTED,
    State.ACCEPTED: REPORTED - {State.ACCEPTED},
    State.SENT: frozenset({State.DELIVERED, State.UNDELIVERED}),
    # an email can bounce a day after it was delivered, and a text can arrive after it was given up
    State.DELIVERED: frozenset({State.UNDELIVERED}),
    State.UNDELIVERED: frozenset({State.DELIVERED}),
    # never in a provider's hands, and what spoke against them is gone: the planner takes them up again
    State.SUPPRESSED: frozenset({State.SCHEDULED}) | REPORTED,
    State.CANCELLED: frozenset({State.SCHEDULED}) | REPORTED,
    State.EXPIRED: REPORTED,
    State.DEAD: REPORTED,
}

PLAIN_WORDS: Mapping[State, str] = {
    State.SCHEDULED: "Waiting",
    State.SENDING: "Sent",
    State.UNKNOWN: "Sent",
    State.ACCEPTED: "Sent",
    State.SENT: "Sent",
    State.DELIVERED: "Delivered",
    State.UNDELIVERED: "Not delivered",
    State.ASSUMED: "Not delivered",
    State.SUPPRESSED: "Not sent",
    State.CANCELLED: "Not sent",
    State.EXPIRED: "Not sent",
    State.DEAD: "Not delivered",
}
"""What staff read, with `Held until` for what waits longer than its rule says: six words, the reason behind them."""


def may_move(current: State, to: State) -> bool:
    """Whether the move is allowed. Reports that come late, twice or out of order are not moves."""
    return to in MOVES[current]
