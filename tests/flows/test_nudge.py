from datetime import timedelta

from sqlalchemy import select

from service.flows.answer import Inbound
from service.flows.cover import go_away
from service.flows.nudge import nudge
from service.flows.receive import receive
from service.models import Page
from tests import builders
from tests.builders import NOW

LATER = NOW + timedelta(hours=24)


def written(db, covered=False):
    """A text to the facilitator's group. Returns the facilitator's id, and the colleague's."""
    lee, colleague = builders.staff(db), builders.staff(db, "ada@oak.example.org")
    place = builders.group(db)
    place.facilitator_id = lee.id
    builders.enrolled(db, place, builders.member(db, mobile="+12125550100"))
    receive(db, Inbound("SM1", "+12125550100", "thank you for last night"), NOW)
    if covered:
        go_away(db, lee, colleague, (LATER.date(), LATER.date()), lee.id, NOW)
    return lee.id, colleague.id


def test_a_reply_that_waited_for_a_day_is_told_of_once_to_the_facilitator(parts):
    with parts.open_db() as db:
        lee, _ = written(db)
        told = [nudge(db, NOW + timedelta(hours=23)), nudge(db, LATER), nudge(db, LATER)]

        assert (told, db.scalars(select(Page.staff_id)).all()) == ([0, 1, 0], [lee])


def test_while_they_are_away_their_cover_is_told(parts):
    with parts.open_db() as db:
        _, colleague = written(db, covered=True)
        nudge(db, LATER)

        assert db.scalars(select(Page.staff_id)).all() == [colleague]
