"""The table of states and moves, as design/reliability.md 5.3 and 5.4 have it."""

import pytest

from service.rules.lifecycle import GIVEN_UP, MOVES, PLAIN_WORDS, REPORTED, State, may_move


@pytest.mark.parametrize("state", list(State))
def test_every_state_has_its_moves_and_its_plain_words(state):
    assert state in MOVES
    assert PLAIN_WORDS[state]


@pytest.mark.parametrize("state", list(State))
def test_no_state_moves_to_itself(state):
    assert not may_move(state, state)


def test_only_what_is_scheduled_is_ever_marked():
    assert [state for state in State if may_move(state, State.SENDING)] == [State.SCHEDULED]


def test_only_what_was_marked_becomes_a_question():
    assert [state for state in State if may_move(state, State.UNKNOWN)] == [State.SENDING]


def test_only_a_question_is_assumed():
    assert [state for state in State if may_move(state, State.ASSUMED)] == [State.UNKNOWN]


@pytest.mark.parametrize("state", [State.ACCEPTED, State.SENT, State.DELIVERED, State.UNDELIVERED, State.ASSUMED])
def test_what_a_provider_has_is_never_scheduled_again(state):
    assert not may_move(state, State.SCHEDULED)


@pytest.mark.parametrize("state", sorted(REPORTED))
def test_what_a_provider_has_is_never_called_unsent(state):
    assert not MOVES[state] & GIVEN_UP


def test_a_report_never_goes_back():
    order = [State.ACCEPTED, State.SENT, State.DELIVERED]

    assert not any(may_move(later, earlier) for place, later in enumerate(order) for earlier in order[:place])


def test_what_expired_or_died_is_never_sent():
    assert not may_move(State.EXPIRED, State.SCHEDULED)
    assert not may_move(State.DEAD, State.SCHEDULED)


def test_every_state_can_be_reached():
    reached, new = {State.SCHEDULED}, {State.SCHEDULED}
    while new:
        new = {to for state in new for to in MOVES[state]} - reached
        reached |= new

    assert reached == set(State)
