"""Questions say how to end texts: always where there is room, and at least every fourth time anywhere."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from service.flows import compose, reword
from service.models import Practice
from service.rules.consent import Channel
from service.rules.kinds import PROMPTS, Kind
from service.rules.segments import count
from tests import builders
from tests.builders import NOW

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def asked(parts, kind, label="Oak Street Offic", sessions=9, channel=Channel.SMS, language="en"):
    """What a member is asked about one session after the other."""
    with parts.open_db() as db:
        db.scalars(select(Practice)).one().sender_label = label
        place, who = builders.group(db), builders.member(db, email="a@example.org", language=language)
        weeks = [builders.session(db, place, NOW - timedelta(weeks=sessions - week)) for week in range(sessions)]
        of = [builders.delivery(db, who, about, kind, channel=channel) for about in weeks]
        practice = db.scalars(select(Practice)).one()
        return [compose.words_of(db, one, practice, NOW).text for one in of]


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("kind", [Kind.CHECKIN, Kind.GOAL])
def test_a_short_question_always_says_it_in_one_part(parts, kind, language):
    said = asked(parts, kind, language=language)

    assert all("STOP" in text and count(text).segments == 1 for text in said)


@pytest.mark.parametrize("kind", sorted(PROMPTS))
@pytest.mark.parametrize("comes_every", [1, 2])
def test_nobody_is_asked_more_than_three_times_without_it(parts, kind, comes_every):
    said = ["STOP" in text for text in asked(parts, kind, sessions=24)[::comes_every]]

    assert all(any(said[at : at + 4]) for at in range(len(said) - 3))


def test_the_long_question_is_put_in_fewer_words_every_third_time_and_stays_one_part(parts):
    said = asked(parts, Kind.REFLECTION)

    assert ["What is one thing" in text for text in said] == [True, True, False] * 3
    assert {count(text).segments for text in said} == {1}


def test_with_a_short_name_there_is_room_in_the_long_one_as_it_is(parts):
    assert all("What is one thing" in text and "STOP" in text for text in asked(parts, Kind.REFLECTION, label="Oak St"))


def test_staffs_own_long_question_takes_a_second_part_for_it_every_third_time(parts):
    own = "{sender}: " + "Was there a moment of the evening that stayed with you? " * 2 + "Crisis: {crisis}"
    with parts.open_db() as db:
        practice = db.scalars(select(Practice)).one()
        reword.save(db, practice, ("sms", "reflection_prompt", "en"), own, None, NOW)

    assert [count(text).segments for text in asked(parts, Kind.REFLECTION)] == [1, 1, 2] * 3


def test_a_mail_has_a_link_for_it(parts):
    assert not any("STOP" in text for text in asked(parts, Kind.CHECKIN, channel=Channel.EMAIL))


def test_a_reminder_says_it_once(parts):
    assert {text.count("STOP") for text in asked(parts, Kind.REMINDER)} == {1}
