"""What takes the group's name and place out of the texts again."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from service.flows import detail, enrol, schedule
from service.flows.answer import Inbound
from service.flows.receive import receive
from service.flows.standing import standing, wants_detail
from service.models import Group, Invitation, Member, Practice
from service.rules.consent import Channel, Choice, Purpose
from service.rules.group_rows import Called
from tests import builders
from tests.builders import NOW, on_sqlite

MOBILE = "+12125550100"


def wants(parts, scene):
    with parts.read_db() as db:
        who = db.get_one(Member, scene.member)
        return wants_detail(who, standing(db, who))


@pytest.mark.parametrize(
    ("words", "goes_on"), [("STOP", False), ("wrong number", False), ("LESS", True), ("PAUSE", True)]
)
@on_sqlite
def test_it_ends_with_an_opt_out_and_not_with_fewer_messages(parts, planned, words, goes_on):
    scene = planned()
    with parts.open_db() as db:
        receive(db, Inbound("SM1", MOBILE, words), NOW)

    assert wants(parts, scene) is goes_on


def test_start_after_stop_gives_reminders_back_and_they_are_discreet(parts, planned):
    scene = planned()
    with parts.open_db() as db:
        receive(db, Inbound("SM1", MOBILE, "STOP"), NOW)
        receive(db, Inbound("SM2", MOBILE, "START"), NOW + timedelta(hours=1))

    assert not wants(parts, scene)
    with parts.read_db() as db:
        who = db.get_one(Member, scene.member)
        assert Purpose.REMINDER in standing(db, who).agreed(Channel.SMS, who.mobile_index)


@on_sqlite
def test_it_does_not_follow_to_another_number(parts, planned):
    scene = planned()
    with parts.open_db() as db:
        person = enrol.Person("Anna Bell", "+12125550177", "", Choice.SMS, "en")
        enrol.change(db, db.get_one(Member, scene.member), person, "staff", NOW)
        person = enrol.Person("Anna Bell", MOBILE, "", Choice.SMS, "en")
        enrol.change(db, db.get_one(Member, scene.member), person, "staff", NOW)

    assert not wants(parts, scene)


@pytest.mark.parametrize(
    ("change", "goes_on"),
    [({"outside_name": "Circle"}, False), ({"place": "Room 4"}, False), ({"capacity": 5}, True), ({"name": "X"}, True)],
)
def test_what_was_not_shown_was_not_agreed_to_when_a_group_is_called_otherwise(parts, planned, change, goes_on):
    scene = planned()
    as_it_is = {"name": "Thursday grief group", "outside_name": "Thursday group", "place": "Room 2", "link": ""}
    with parts.open_db() as db:
        called = Called(**{**as_it_is, "capacity": 10, **change})
        ended = schedule.call_group(db, db.get_one(Group, scene.group), called, "staff", NOW)

    assert wants(parts, scene) is goes_on
    assert ended == (not goes_on)


@on_sqlite
def test_nor_when_they_join_another_group(parts, planned, clock):
    scene = planned()
    with parts.open_db() as db:
        other = builders.group(db, "Loss", outside_name="Other group")
        enrol.join(db, other, db.get_one(Member, scene.member), builders.TODAY, clock.go(hours=1))

    assert not wants(parts, scene)


@on_sqlite
def test_a_start_that_is_awaited_means_no_name_that_has_changed_meanwhile(parts, planned):
    scene = planned(chooses=False, agrees=[Purpose.REMINDER])
    with parts.open_db() as db:
        who = db.get_one(Member, scene.member)
        purposes = [Purpose.REMINDER, Purpose.DETAILED]
        db.add(enrol.open_invitation(who, who.mobile_index, purposes, "words", NOW))
        db.flush()
        group = db.get_one(Group, scene.group)
        schedule.call_group(db, group, Called(group.name, "Circle", "Room 2", "", 10), "staff", NOW)
        assert db.scalars(select(Invitation)).one().purposes == ["reminder"]


@on_sqlite
def test_of_two_groups_both_are_shown_or_neither(parts, planned):
    scene = planned(chooses=False)
    with parts.open_db() as db:
        who, practice = db.get_one(Member, scene.member), db.scalars(select(Practice)).one()
        second = builders.group(db, "Loss", outside_name="Other group")
        builders.enrolled(db, second, who)
        both = detail.offer(db, who, practice, NOW).texts
        second.place = ""
        db.flush()
        neither = detail.offer(db, who, practice, NOW)

    assert [("Thursday group" in text, "Other group" in text) for text in both] == [(True, False)] * 2 + [
        (False, True)
    ] * 2
    assert (list(neither.texts), neither.obstacle) == ([], "The group has no place to be named.")
