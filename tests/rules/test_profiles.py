from datetime import time

import pytest

from service.rules.consent import Purpose
from service.rules.lines import COUNTRIES, LINES
from service.rules.profiles import PROFILES

EXPECTED = {
    "US": ("prior express consent", "10 business days", "911"),
    "CA": ("consent; purely informational", "10 business days", "911"),
    "GB": ("care under UK GDPR", "at once", "999"),
    "IE": ("care under GDPR", "at once", "112"),
    "AU": ("consent; not commercial", "5 working days", "000"),
    "NZ": ("consent; not commercial", "5 working days", "111"),
    "ES": ("care under GDPR", "at once", "112"),
}


def test_every_country_that_can_be_chosen_has_its_profile():
    assert set(PROFILES) == set(COUNTRIES) == set(LINES) == set(EXPECTED)


@pytest.mark.parametrize("country", EXPECTED)
def test_a_profile_says_the_ground_the_clock_and_where_help_is(country):
    profile, (ground, clock, danger) = PROFILES[country], EXPECTED[country]

    assert profile.reminders.startswith(ground)
    assert (profile.opt_out_within, profile.lines.danger) == (clock, danger)


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_no_country_lets_texts_arrive_at_night(profile):
    assert time(8) <= profile.opens < profile.closes <= time(21)
    assert profile.evidence_years >= 6


def test_what_is_asked_has_a_ground_of_its_own_beside_reminders():
    for profile in PROFILES.values():
        assert profile.ground(Purpose.REMINDER) == profile.reminders
        assert profile.ground(Purpose.CHECKIN) == profile.questions
