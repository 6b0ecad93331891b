"""Everything that can happen within a few steps, from every moment that matters; and long random stories."""

import logging
import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from service.rules.consent import Choice
from service.rules.lifecycle import MOVES
from tests.faults.judge import violations
from tests.faults.operations import OF_ONE, OPERATIONS, STARTS, begin
from tests.faults.provider import Outcome
from tests.faults.search import Reach, search
from tests.faults.world import World, world

DEPTH = int(os.environ.get("FAULTS_DEPTH", "2"))
"""How many operations are tried, one after the other, on a delivery that is due; from the other moments, one fewer."""
STORIES, STEPS = (25, 25) if DEPTH == 2 else (600, 50)
PARTS = 4
MOST_SHOWN = 5


@pytest.fixture(autouse=True, scope="module")
def silence():
    """What is done here on purpose is in the log a thousand times."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def tell_stories(of: World, reach: Reach) -> None:
    """Three members, six messages, two workers, and whatever comes to mind."""
    begin(of, Choice.BOTH, members=3)
    kept = of.keep()

    class Story(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            of.put_back(kept)

        @rule(name=st.sampled_from(sorted(OPERATIONS)), number=st.integers(0, 5))
        def something_happens(self, name: str, number: int) -> None:
            OF_ONE[name](of, number) if name in OF_ONE else OPERATIONS[name](of)
            of.done.append(name)

        def teardown(self) -> None:
            wrong = list(violations(of))
            reach.note(of)
            assert wrong == []

    checks = [HealthCheck.too_slow, HealthCheck.data_too_large]
    run_state_machine_as_test(
        Story, settings=settings(max_examples=STORIES, stateful_step_count=STEPS, suppress_health_check=checks)
    )


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_from_every_moment_whatever_happens_next_ends_well_and_every_legal_move_is_seen(tmp_path):
    reach, wrong = Reach(), []
    for name, start in STARTS.items():
        with world(tmp_path / name) as one:
            depth = 1 if name == "it is due" else DEPTH - 1
            wrong += [(name, *found) for found in search(one, start, depth, reach)]
    legal = {(was.value, to.value) for was, moves in MOVES.items() for to in moves}
    print(f"reach: {reach.sequences} sequences, {reach.worlds} different worlds, {sum(reach.moves.values())} moves")

    assert wrong[:MOST_SHOWN] == []
    assert sorted(legal - set(reach.moves)) == []
    assert sorted({str(outcome) for outcome in Outcome} - set(reach.outcomes)) == []


@pytest.mark.slow
@pytest.mark.timeout(14400)
@pytest.mark.parametrize("part", range(PARTS))
def test_every_short_sequence_ends_well(tmp_path, part):
    reach, first = Reach(), tuple(OPERATIONS)[part::PARTS]
    with world(tmp_path / "world") as one:
        wrong = list(search(one, STARTS["it is due"], DEPTH, reach, first))
    print(f"reach: {reach.sequences} sequences, {reach.worlds} different worlds")

    assert wrong[:MOST_SHOWN] == []
    assert reach.worlds > 100


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_long_stories_of_several_members_end_well(tmp_path):
    reach = Reach()
    with world(tmp_path / "world") as one:
        tell_stories(one, reach)
    print(f"reach: {reach.worlds} stories, {len(reach.moves)} kinds of moves, {len(reach.outcomes)} outcomes")

    assert len(reach.moves) > 15
