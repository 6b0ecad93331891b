"""Each message goes to its member by their channels, and a broken one holds up no other."""

from sqlalchemy import select

from service.flows.deliver import deliver
from service.models import Delivery, DeliveryEvent, GroupSession, Member
from service.models.base import uuid7
from service.rules.consent import Channel, Choice
from service.rules.lifecycle import State
from tests import builders
from tests.flows.deliver.conftest import read


def test_every_move_is_kept(parts, post, due):
    deliver(post, [due])

    with parts.read_db() as db:
        query = select(DeliveryEvent.was, DeliveryEvent.now, DeliveryEvent.by).order_by(DeliveryEvent.seq)
        events = db.execute(query).all()
    assert [tuple(event) for event in events] == [
        ("scheduled", "sending", "worker"),
        ("sending", "accepted", "worker"),
    ]


def test_the_reference_that_the_provider_gives_back_is_our_id(parts, post, texts, due):
    deliver(post, [due])

    assert texts.outbox[0].reference == str(due)


def test_a_member_of_both_channels_gets_a_text_and_a_mail(parts, post, texts, mails):
    with parts.open_db() as db:
        who = builders.member(db, choice=Choice.BOTH, email="anna@example.org")
        meeting = builders.session(db, builders.group(db))
        ids = [builders.delivery(db, who, meeting, channel=channel).id for channel in Channel]
    deliver(post, ids)

    assert (texts.outbox[0].to, mails.outbox[0].to) == (who.mobile, "anna@example.org")


def test_an_id_that_is_nobodys_is_passed_over(parts, post, texts):
    deliver(post, [uuid7()])

    assert texts.outbox == []


def test_a_broken_message_does_not_hold_up_the_others(parts, post, texts, clock):
    with parts.open_db() as db:
        meeting = builders.session(db, builders.group(db))
        broken = builders.delivery(db, builders.member(db), meeting).id
        good = builders.delivery(db, builders.member(db), meeting).id
        who = db.get_one(Delivery, broken).member
        who.time_zone, who.number_zones = None, [{}]  # no clock at all, where names of zones ought to be
    deliver(post, [broken, good])

    assert (read(parts, good).state, read(parts, broken).state) == (State.ACCEPTED, State.DEAD)


def test_a_channel_that_breaks_leaves_a_question_and_the_others_alone(parts, post, texts):
    with parts.open_db() as db:
        meeting = builders.session(db, builders.group(db))
        broken = builders.delivery(db, builders.member(db), meeting)
        good = builders.delivery(db, builders.member(db), meeting)

    def break_down(message):
        if message.reference == str(broken.id):
            raise AttributeError("get")

    texts.before_sending = break_down
    deliver(post, [broken.id, good.id])

    assert (read(parts, broken.id).state, read(parts, good.id).state) == (State.UNKNOWN, State.ACCEPTED)


def test_a_member_who_moved_house_is_written_to_at_the_new_number_only_if_they_agreed(parts, post, texts, due):
    with parts.open_db() as db:
        who = db.scalars(select(Member)).one()
        who.set_mobile("+12125550199", ())
        db.flush()
        builders.agree(db, who)
    deliver(post, [due])

    assert texts.outbox[0].to == "+12125550199"


def test_a_session_of_another_group_has_no_say(parts, post, texts, due):
    with parts.open_db() as db:
        other = builders.session(db, builders.group(db, "Other"))
        db.get_one(GroupSession, other.id).start_revision += 1
    deliver(post, [due])

    assert len(texts.outbox) == 1
