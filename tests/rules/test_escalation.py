from datetime import timedelta

import pytest

from service.rules.escalation import called, on_call_order, pause_after


@pytest.mark.parametrize(
    ("people", "rounds"),
    [
        ("abcde", ["ab", "c", "d", "abcde", "abcde"]),
        ("abc", ["ab", "c", "abc", "abc"]),
        ("ab", ["ab", "ab", "ab"]),
        ("a", ["a", "a"]),
        ("", ["", ""]),
    ],
)
def test_two_are_called_then_one_more_each_time_then_everybody(people, rounds):
    assert ["".join(called(number, people)) for number in range(len(rounds))] == rounds


def test_the_next_ones_come_after_ten_minutes_and_after_thirty_everybody_every_fifteen():
    minutes = [round(pause_after(number) / timedelta(minutes=1)) for number in range(6)]

    assert minutes == [10, 10, 10, 15, 15, 15]


def test_those_on_duty_come_before_those_who_are_not_each_in_their_order():
    assert on_call_order("abcd", [False, True, False, True]) == ["b", "d", "a", "c"]
    assert on_call_order("abcd", [False] * 4) == ["a", "b", "c", "d"]
