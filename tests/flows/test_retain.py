from datetime import timedelta

import pytest
from sqlalchemy import func, select

from jobs import upkeep
from service.flows import links, retain
from service.models import CheckIn, Delivery, DeliveryEvent, Flag, Link, Practice, Reply
from service.rules.kinds import Kind
from service.rules.lifecycle import State
from service.rules.retention import Periods
from tests import builders
from tests.builders import NOW
from tests.flows.test_trends import answered, asked, member_of, wrote

DAY, YEAR = timedelta(days=1), timedelta(days=366)
PERIODS = Periods(words=12, bodies=30, log=13)


@pytest.fixture
def who(parts):
    with parts.open_db() as db:
        return member_of(db, builders.group(db))


def many(parts, model, *where):
    with parts.read_db() as db:
        return db.scalar(select(func.count()).select_from(model).where(*where))


def said(parts, who, at, **values):
    with parts.open_db() as db:
        reply = wrote(db, who, at)
        reply.text = "a few words"
        for name, value in {"handled_at": at, **values}.items():
            setattr(reply, name, value)


def sent(parts, who, at, state=State.DELIVERED):
    with parts.open_db() as db:
        delivery = builders.delivery(db, who, state=state, due_at=at, next_at=at)
        delivery.body, delivery.address = "See you", who.mobile
        return delivery.id


def remove(parts):
    return retain.remove(parts.open_db, NOW, NOW)


def counted(parts):
    with parts.read_db() as db:
        return retain.count(db, PERIODS, NOW)


@pytest.mark.parametrize(("age", "left"), [(YEAR - 2 * DAY, 1), (YEAR, 0)])
def test_what_a_member_wrote_is_kept_for_a_year(parts, who, age, left):
    said(parts, who, NOW - age)
    assert counted(parts).replies == 1 - left
    remove(parts)

    assert many(parts, Reply) == left


def test_what_nobody_has_looked_at_stays(parts, who):
    said(parts, who, NOW - 2 * YEAR, handled_at=None)

    assert (counted(parts).any, remove(parts), many(parts, Reply)) == (False, 0, 1)


def test_what_an_open_flag_is_about_stays_until_it_is_closed(parts, who):
    with parts.open_db() as db:
        flag = Flag(address_index=b"x", is_urgent=True, category="crisis", pattern="x", opened_at=NOW)
        db.add(flag)
    said(parts, who, NOW - 2 * YEAR, flag_id=flag.id)
    assert remove(parts) == 0

    with parts.open_db() as db:
        db.get_one(Flag, flag.id).closed_at = NOW
    assert remove(parts) == 1


def test_an_old_check_in_goes_with_the_reply_that_it_was(parts, who):
    with parts.open_db() as db:
        about = builders.session(db, db.scalars(select(builders.Group)).one(), NOW - YEAR - 5 * DAY)
        answered(db, who, about, "7")
        db.scalars(select(Reply)).one().handled_at = NOW
    assert (counted(parts).answers, counted(parts).replies) == (1, 1)
    remove(parts)

    assert (many(parts, CheckIn), many(parts, Reply)) == (0, 0)


@pytest.mark.parametrize(
    ("state", "days", "is_there"),
    [
        (State.DELIVERED, 29, True),
        (State.DELIVERED, 31, False),
        (State.EXPIRED, 31, False),
        (State.UNKNOWN, 31, True),
        (State.SCHEDULED, 31, True),
    ],
)
def test_words_and_address_of_what_was_sent_are_kept_for_thirty_days(parts, who, state, days, is_there):
    one = sent(parts, who, NOW - days * DAY, state)
    remove(parts)
    with parts.read_db() as db:
        delivery = db.get_one(Delivery, one)

    assert (bool(delivery.body), bool(delivery.address)) == (is_there, is_there)


def test_the_log_is_kept_for_thirteen_months_and_the_moves_for_ever(parts, who):
    old, young = sent(parts, who, NOW - YEAR - 40 * DAY), sent(parts, who, NOW - YEAR)
    with parts.open_db() as db:
        db.add(DeliveryEvent(delivery_id=old, was="sent", now="delivered", at=NOW - YEAR, by="callback"))
    assert counted(parts).messages == 1
    remove(parts)

    assert many(parts, Delivery) == many(parts, Delivery, Delivery.id == young) == 1
    assert many(parts, DeliveryEvent) == 1


def test_a_question_that_was_answered_stays_as_long_as_its_answer(parts, who):
    with parts.open_db() as db:
        question = asked(db, who, builders.session(db, db.scalars(select(builders.Group)).one()), Kind.CHECKIN)
        question.due_at = NOW - 2 * YEAR
        row = CheckIn(
            member_id=who.id,
            delivery_id=question.id,
            reply_id=wrote(db, who, NOW).id,
            kind="checkin",
            asked_at=NOW,
            answered_at=NOW,
            is_late=True,
        )
        row.answer = "5"
        db.add(row)
    remove(parts)

    assert (many(parts, Delivery), many(parts, CheckIn)) == (1, 1)


def test_links_that_are_long_over_go(parts, who):
    with parts.open_db() as db:
        for days in (-31, -29, 1):
            links.new_link(db, "message", NOW + days * DAY, member_id=who.id)
        links.new_link(db, "unsubscribe", None, member_id=who.id)
    remove(parts)

    assert many(parts, Link) == 3


def test_it_goes_on_until_nothing_is_left_and_again_does_nothing(parts, who, monkeypatch):
    monkeypatch.setattr(retain, "AT_ONCE", 3)
    for day in range(10):
        said(parts, who, NOW - 2 * YEAR - day * DAY)

    assert (remove(parts), remove(parts), many(parts, Reply)) == (10, 0, 0)


def test_it_is_done_once_a_night(parts, who, clock, monkeypatch):
    monkeypatch.setattr(upkeep, "parts", lambda: parts)
    said(parts, who, NOW - 2 * YEAR)
    upkeep.forget()
    with parts.read_db() as db:
        practice = db.scalars(select(Practice)).one()
    assert (many(parts, Reply), practice.purged_on) == (0, NOW.astimezone(practice.zone).date())

    said(parts, who, NOW - 2 * YEAR)
    upkeep.forget()
    assert many(parts, Reply) == 1
    clock.go(hours=24)
    upkeep.forget()
    assert many(parts, Reply) == 0
