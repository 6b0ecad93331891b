"""Places at which tests make a process fail. What they do to a message on its way is in tests/faults."""

import pytest

from service import failpoints
from service.settings import SettingsError


@pytest.fixture(autouse=True)
def _disarmed():
    yield
    failpoints.arm({}, is_on_this_machine=True)


def test_unless_it_is_armed_nothing_happens_anywhere():
    for place in failpoints.PLACES:
        failpoints.reach(place)


def test_the_nth_time_counts_and_only_that_time():
    failpoints.arm({"FAILPOINT": "marked:2:raise"}, is_on_this_machine=True)
    failpoints.reach("marked")
    with pytest.raises(failpoints.Failed):
        failpoints.reach("marked")

    failpoints.reach("marked")


def test_other_places_are_passed_by():
    failpoints.arm({"FAILPOINT": "marked:1:raise"}, is_on_this_machine=True)

    failpoints.reach("recorded")


def test_where_others_can_reach_us_it_is_refused():
    with pytest.raises(SettingsError, match="for tests on this machine"):
        failpoints.arm({"FAILPOINT": "marked"}, is_on_this_machine=False)


@pytest.mark.parametrize("text", ["nowhere", "marked:x", "marked:1:explode"])
def test_a_place_that_is_none_is_refused_with_the_list_of_them(text):
    with pytest.raises(SettingsError, match="before_call"):
        failpoints.arm({"FAILPOINT": text}, is_on_this_machine=True)
