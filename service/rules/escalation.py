"""Who is called for a flag and when: two at once, one more after ten minutes and after twenty, then everybody."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TypeVar

FIRST_CALLED = 2
"""The primary and the backup."""
ONE_MORE = 2
"""Rounds in which the next on the list is called: after ten minutes and after twenty. From thirty on, everybody."""
NEXT = timedelta(minutes=10)
AGAIN = timedelta(minutes=15)
TAKEN_FOR = timedelta(hours=1)
"""So long the one who took a flag up is left to it. With nothing on record by then, everybody is called."""
NEEDED_TO_STAFF = 2
"""Contacts that a page has reached of late: with fewer nobody can say that texts are staffed."""
NEEDED_TO_ASK = 1
"""The same for a group that is not watched, once its questions for words reach people."""
TEST_HOLDS = timedelta(days=30)
"""A contact who answered a test page counts as reached for so long."""

T = TypeVar("T")


def called(round_number: int, people: Sequence[T]) -> Sequence[T]:
    """Who is called in this round, counted from 0. Where the list has no next one, everybody."""
    if round_number == 0:
        return people[:FIRST_CALLED]
    following = FIRST_CALLED + round_number - 1
    if round_number <= ONE_MORE and following < len(people):
        return people[following : following + 1]
    return people


def pause_after(round_number: int) -> timedelta:
    """From this round to the next one, should nobody take the flag up."""
    return NEXT if round_number <= ONE_MORE else AGAIN


def on_call_order(people: Sequence[T], on_duty: Sequence[bool]) -> list[T]:
    """Those on duty in their order, then the others in theirs: nobody on duty is no reason to call nobody."""
    return [one for one, is_on in zip(people, on_duty, strict=True) if is_on] + [
        one for one, is_on in zip(people, on_duty, strict=True) if not is_on
    ]
