"""Two levels of wording: discreet for everybody, and the group's name and place for whoever chose it and saw it."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from service.flows import detail, schedule
from service.flows.deliver import deliver
from service.flows.ledger import Evidence
from service.flows.standing import standing, wants_detail
from service.models import Consent, Delivery, Group, Member, Practice
from service.rules.consent import Choice
from service.rules.kinds import Kind
from tests import builders
from tests.builders import HOURS, NOW, THURSDAY, on_sqlite
from tests.flows.detail.conftest import choose
from tests.listening import heard

DISCREET = (
    "Oak St Office: Reminder of your appointment Thu Jan 7 at 6:30 PM. "
    "Reply C to confirm or X if you can't come. Reply STOP to end."
)
DETAILED = (
    "Oak St Office: Thursday group meets Thu Jan 7 at 6:30 PM, Room 2. "
    "Reply C to confirm or X if you can't come. Reply STOP to end."
)
SAME_DAY = (
    "Oak St Office: Thursday group is today at 6:30 PM, Room 2. Your place is held and the group will be glad to see "
    "you. Reply X if you can't come."
)
EN_DETALLE = (
    "Oak St Office: Thursday group, jue 7 ene a las 6:30 PM, Room 2. "
    "Responda C si viene o X si no puede. STOP para parar."
)


@pytest.fixture
def said(parts, post, texts, clock):
    """What the reminder says that leaves when it is due."""

    def send(scene):
        with parts.read_db() as db:
            clock.go_to(max(clock(), db.get_one(Delivery, scene.delivery).next_at))
        deliver(post, [scene.delivery])
        return [message.text for message in texts.outbox]

    return send


def test_without_a_yes_of_its_own_a_reminder_is_discreet_word_for_word(planned, said):
    assert said(planned(chooses=False)) == [DISCREET]


def test_with_it_the_reminder_names_group_and_place_word_for_word(parts, planned, said):
    scene = planned()

    assert said(scene) == [DETAILED]
    with parts.read_db() as db:
        assert db.get_one(Delivery, scene.delivery).wording == "sms/reminder_detailed/en/0"


@on_sqlite
def test_so_does_the_one_of_the_same_day(planned, said):
    assert said(planned(Kind.SAME_DAY, 3 * HOURS)) == [SAME_DAY]


@on_sqlite
def test_it_speaks_the_members_language(planned, said):
    assert said(planned(language="es")) == [EN_DETALLE]


@on_sqlite
def test_of_two_in_one_group_each_gets_what_they_chose(parts, post, texts, clock):
    with parts.open_db() as db:
        place = builders.group(db)
        about = builders.session(db, place)
        members = [builders.member(db) for _ in range(3)]
        rows = [builders.delivery(db, who, about).id for who in members if builders.enrolled(db, place, who)]
        choose(db, members[1])
    deliver(post, rows)

    assert {message.to: message.text for message in texts.outbox} == {
        "+12125550100": DISCREET,
        "+12125550101": DETAILED,
        "+12125550102": DISCREET,
    }


@on_sqlite
def test_the_sample_that_is_shown_is_what_is_sent_and_what_is_on_record(parts, planned, said):
    scene = planned(chooses=False)
    with parts.open_db() as db:
        shown = choose(db, db.get_one(Member, scene.member)).texts
    with parts.read_db() as db:
        row = db.scalars(select(Consent).order_by(Consent.seq.desc())).first()

    assert said(scene) == [shown[0]]
    assert json.loads(row.proof)["sample"].splitlines() == [*shown]
    assert shown == [DETAILED, SAME_DAY]
    assert "Room 2" not in row.wording


@pytest.mark.parametrize("tick", ["shares_phone", "others_read"])
@on_sqlite
def test_a_phone_that_others_read_gets_discreet_texts_whatever_was_chosen(parts, planned, said, tick):
    scene = planned()
    with parts.open_db() as db:
        who = db.get_one(Member, scene.member)
        setattr(who, tick, True)
        obstacle = detail.offer(db, who, db.scalars(select(Practice)).one(), NOW).obstacle

    assert said(scene) == [DISCREET]
    assert "discreet" in obstacle


def test_taken_back_between_planning_and_the_mark_it_is_discreet(parts, planned, said, clock):
    scene = planned()
    with parts.open_db() as db:
        who = db.get_one(Member, scene.member)
        evidence = Evidence(NOW, "page", "member", "", "en")
        taken = [detail.take_back(db, who, evidence, clock.go(hours=1)) for _ in range(2)]

    assert said(scene) == [DISCREET]
    assert taken == [True, False]


@pytest.mark.parametrize(
    ("place", "outside_name"),
    [
        ("", "Thursday group"),
        ("A room with quite a long name, 1400 Oak Street", "Thursday group"),
        ("Room Łódź", "Thursday group"),
        ("Room 2", "Grief circle"),
        ("Room 2", "Thursday grief group"),
        ("Recovery house", "Thursday group"),
    ],
)
@on_sqlite
def test_what_does_not_fit_or_says_too_much_is_discreet_and_never_fails(parts, planned, said, place, outside_name):
    scene = planned()
    with parts.open_db() as db:
        group = db.get_one(Group, scene.group)
        group.place, group.outside_name = place, outside_name
        offer = detail.offer(db, db.get_one(Member, scene.member), db.scalars(select(Practice)).one(), NOW)

    assert said(scene) == [DISCREET]
    assert (list(offer.texts), bool(offer.obstacle)) == ([], True)


@on_sqlite
def test_whoever_is_reached_for_a_member_is_told_no_group_whatever_is_on_record(parts, planned):
    scene = planned()
    with parts.open_db() as db:
        carer = builders.companion(db, db.get_one(Member, scene.member))
        choose(db, carer)
        offer = detail.offer(db, carer, db.scalars(select(Practice)).one(), NOW)

        assert not wants_detail(carer, standing(db, carer))
        assert (list(offer.texts), offer.obstacle) == ([], "They are told when it is, and nothing else.")


@on_sqlite
def test_where_only_the_shorter_text_fits_the_other_stays_discreet(parts, planned):
    scene = planned(chooses=False)
    with parts.open_db() as db:
        db.get_one(Group, scene.group).place = "Room 2, 1400 Oak Street"
        offer = detail.offer(db, db.get_one(Member, scene.member), db.scalars(select(Practice)).one(), NOW)

    assert [text.partition(" meets ")[1] for text in offer.texts] == [" meets "]


@on_sqlite
def test_a_mail_and_its_page_name_no_group(parts, post, mails, clock):
    with parts.open_db() as db:
        scene = builders.scene(db, email="anna@example.org", choice=Choice.EMAIL)
        choose(db, db.get_one(Member, scene.member))
    clock.go_to(THURSDAY - timedelta(days=1))
    deliver(post, [scene.delivery])

    with parts.read_db() as db:
        told = mails.outbox[0].text + db.get_one(Delivery, scene.delivery).body
    assert not any(word in told for word in ("Thursday group", "Room 2"))


@pytest.mark.parametrize("kind", [Kind.MOVED, Kind.CANCELLED, Kind.REFLECTION, Kind.CHECKIN])
@on_sqlite
def test_only_reminders_are_told_in_detail(parts, post, texts, kind):
    with parts.open_db() as db:
        scene = builders.scene(db)
        who = db.get_one(Member, scene.member)
        choose(db, who)
        about = db.get_one(Delivery, scene.delivery).group_session
        if kind is Kind.CANCELLED:
            schedule.cancel_session(db, about, NOW)
        row = builders.delivery(db, who, about, kind).id
    deliver(post, [row])

    assert len(texts.outbox) == 1
    assert "Thursday group" not in texts.outbox[0].text


# how it ends


@on_sqlite
def test_the_clock_is_not_asked_more_for_it(parts, planned, post, clock):
    """The standings are read at the mark anyway: a yes of this kind is one row more, and no query."""
    plain = planned(chooses=False)
    with heard(parts.engine) as before:
        clock.go_to(THURSDAY - timedelta(days=1))
        deliver(post, [plain.delivery])
    count = len(before)
    with parts.open_db() as db:
        who = builders.member(db)
        builders.enrolled(db, db.get_one(Group, plain.group), who)
        choose(db, who)
        row = builders.delivery(db, who, db.get_one(Delivery, plain.delivery).group_session).id
    with parts.open_db() as db:
        db.get_one(Delivery, row).next_at = clock()
        db.get_one(Delivery, row).expires_at = clock() + timedelta(hours=3)
    with heard(parts.engine) as after:
        deliver(post, [row])

    assert len(after) <= count
