import threading
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from service.channels import (
    AddressRefused,
    Ambiguous,
    ChannelDown,
    NotAccepted,
    Receipt,
    Refused,
)
from service.flows import taking
from service.flows.deliver import deliver, deliver_due, mark, record
from service.flows.settle import Report, settle
from service.flows.suppress import suppress
from service.models import Delivery, DeliveryEvent, GroupSession, Member, Sender, Suppression
from service.models.base import uuid7
from service.rules.consent import Channel, Choice
from service.rules.lifecycle import State
from service.rules.retries import LEASE
from tests import builders
from tests.builders import NOW
from tests.patience import think

AFTER_NOTHING = [
    (NotAccepted("Twilio 20429"), State.SCHEDULED),
    (ChannelDown("Twilio 20003"), State.SCHEDULED),
    (Refused("Twilio 21617"), State.DEAD),
    (AddressRefused("Twilio 21610"), State.SUPPRESSED),
    (Ambiguous("Twilio HTTP 500"), State.UNKNOWN),
]


@pytest.fixture
def due(parts):
    """One text to one member, due now."""
    with parts.open_db() as db:
        return builders.delivery(db, builders.member(db), builders.session(db, builders.group(db))).id


def read(parts, one):
    with parts.read_db() as db:
        return db.get_one(Delivery, one)


def failing(console, error):
    def fail(message):
        raise error

    console.before_sending = fail


def marked(parts, post, one):
    with parts.open_db() as db:
        (sending,) = mark(db, [one], post)
    return sending


def test_a_message_that_was_taken_over_is_accepted_under_the_providers_name(parts, post, clock, due):
    deliver(post, [due])

    row = read(parts, due)
    assert (row.state, row.provider_id, row.accepted_at) == (State.ACCEPTED, "CONSOLE00000001", clock())


@pytest.mark.parametrize(("error", "state"), AFTER_NOTHING, ids=[type(error).__name__ for error, _ in AFTER_NOTHING])
def test_each_trouble_leads_to_its_state(parts, post, texts, due, error, state):
    failing(texts, error)
    deliver(post, [due])

    row = read(parts, due)
    assert (row.state, row.reason, row.attempts) == (state, str(error), 1)


def test_the_providers_code_is_kept(parts, post, texts, due):
    failing(texts, Refused("Twilio 21617"))
    deliver(post, [due])

    assert read(parts, due).error_code == "21617"


def test_the_words_of_an_error_never_hold_a_number(parts, post, texts, due):
    failing(texts, AddressRefused("Twilio 21610"))
    deliver(post, [due])

    with parts.read_db() as db:
        told = [row.reason for row in db.scalars(select(Suppression))]
    assert told == ["provider: Twilio 21610"]


def test_what_was_certainly_not_taken_over_is_tried_again_soon(parts, post, texts, clock, due):
    failing(texts, NotAccepted("NewConnectionError"))
    deliver(post, [due])

    assert timedelta(seconds=1) < read(parts, due).next_at - clock() < timedelta(seconds=4)


def test_each_try_waits_longer_up_to_a_quarter_of_an_hour(parts, post, texts, clock, due):
    failing(texts, NotAccepted("NewConnectionError"))
    pauses = []
    for _ in range(14):
        clock.go_to(max(read(parts, due).next_at, clock() + timedelta(seconds=30)))  # its number rests meanwhile
        deliver(post, [due])
        pauses.append((read(parts, due).next_at - clock()).total_seconds())

    assert pauses[:9] == sorted(pauses[:9])
    assert max(pauses) <= 15 * 60 * 1.25


def test_it_waits_as_long_as_the_provider_asks(parts, post, texts, clock, due):
    failing(texts, NotAccepted("Twilio 20429", timedelta(seconds=90)))
    deliver(post, [due])

    assert read(parts, due).next_at == clock() + timedelta(seconds=90)


def test_it_is_tried_until_it_is_of_no_more_use(parts, post, texts, clock, due):
    failing(texts, NotAccepted("NewConnectionError"))
    deliver(post, [due])
    clock.go_to(read(parts, due).expires_at)
    deliver(post, [due])

    assert read(parts, due).state is State.EXPIRED


def test_a_refused_account_stops_the_whole_channel(parts, post, texts, clock, due):
    with parts.open_db() as db:
        other = builders.delivery(db, builders.member(db), builders.session(db, builders.group(db, "Other"))).id
    failing(texts, ChannelDown("Twilio 20003"))
    deliver(post, [due])
    failing(texts, AssertionError("nothing may be sent"))
    deliver(post, [other])

    assert (read(parts, other).state, read(parts, other).attempts) == (State.SCHEDULED, 0)


def test_staff_can_read_why_the_channel_rests(parts, post, texts, clock, due):
    failing(texts, ChannelDown("Twilio 20003"))
    deliver(post, [due])

    with parts.read_db() as db:
        row = db.scalars(select(Sender)).one()
    assert (row.pause_reason, row.paused_until) == ("Twilio 20003", clock() + timedelta(minutes=5))


def test_a_channel_that_works_again_rests_no_more(parts, post, texts, clock, due):
    failing(texts, ChannelDown("Twilio 20003"))
    deliver(post, [due])
    clock.go(minutes=5)
    texts.before_sending = lambda message: None
    deliver(post, [due])

    with parts.read_db() as db:
        row = db.scalars(select(Sender)).one()
    assert (read(parts, due).state, row.paused_until, row.pause_reason) == (State.ACCEPTED, None, None)


def test_a_refused_address_is_not_written_to_again(parts, post, texts, due):
    with parts.open_db() as db:
        who = db.get_one(Delivery, due).member
        other = builders.delivery(db, who, builders.session(db, builders.group(db, "Other"))).id
    failing(texts, AddressRefused("Twilio 21610"))
    deliver(post, [due])

    assert (read(parts, other).state, read(parts, other).reason) == (State.SUPPRESSED, "opted out")


def test_of_a_batch_each_has_its_own_outcome(parts, post, texts):
    with parts.open_db() as db:
        meeting = builders.session(db, builders.group(db))
        ids = [builders.delivery(db, builders.member(db), meeting).id for _ in AFTER_NOTHING]
        numbers = {
            db.get_one(Delivery, one).member.mobile: error for one, (error, _) in zip(ids, AFTER_NOTHING, strict=True)
        }

    def fail(message):
        raise numbers[message.to]

    texts.before_sending = fail
    deliver(post, ids)

    assert [read(parts, one).state for one in ids] == [state for _, state in AFTER_NOTHING]


def test_no_transaction_is_open_while_the_provider_thinks(parts, post, texts, engine, due):
    open_ones = []

    def look(message):
        think(0.1)  # the gate is left as soon as the calls have begun
        open_ones.append(engine.pool.checkedout())

    texts.before_sending = look
    deliver(post, [due])

    assert open_ones == [0]


def test_the_mark_is_committed_before_the_call(parts, post, texts, due):
    seen = []
    texts.before_sending = lambda message: seen.append(read(parts, due).state)
    deliver(post, [due])

    assert seen == [State.SENDING]


def test_a_crash_after_the_mark_leaves_a_question(parts, post, texts, clock, due):
    failing(texts, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        deliver(post, [due])

    row = read(parts, due)
    assert (row.state, row.lease_until) == (State.SENDING, clock() + timedelta(seconds=LEASE))


def test_what_was_marked_is_not_sent_again(parts, post, texts, due):
    marked(parts, post, due)
    deliver(post, [due])

    assert texts.outbox == []


def test_a_batch_that_is_run_twice_is_sent_once(parts, post, texts, due):
    deliver(post, [due, due])
    deliver(post, [due])

    assert len(texts.outbox) == 1


def test_of_two_workers_with_the_same_batch_one_sends_each(parts, post, texts):
    with parts.open_db() as db:
        meeting = builders.session(db, builders.group(db))
        ids = [builders.delivery(db, builders.member(db), meeting).id for _ in range(12)]
    errors = []

    def work(order):
        try:
            deliver(post, order)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(order,)) for order in (ids, ids[::-1], ids[6:] + ids[:6])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (errors, sorted(message.to for message in texts.outbox)) == ([], sorted({m.to for m in texts.outbox}))
    assert len(texts.outbox) == 12


def test_a_report_that_comes_before_our_record_wins(parts, post, texts, clock, due):
    def report(message):
        with parts.open_db() as db:
            settle(db, Report(due, State.DELIVERED, provider_id="SM1"), clock())

    texts.before_sending = report
    deliver(post, [due])

    row = read(parts, due)
    assert (row.state, row.provider_id) == (State.DELIVERED, "SM1")


def test_the_record_fills_in_a_name_that_the_report_did_not_bring(parts, post, texts, clock, due):
    def report(message):
        with parts.open_db() as db:
            settle(db, Report(due, State.SENT), clock())

    texts.before_sending = report
    deliver(post, [due])

    row = read(parts, due)
    assert (row.state, row.provider_id) == (State.SENT, "CONSOLE00000001")


def test_a_report_beats_a_record_of_trouble(parts, post, texts, clock, due):
    def report_and_fail(message):
        with parts.open_db() as db:
            settle(db, Report(due, State.SENT, provider_id="SM1"), clock())
        raise Ambiguous("ReadTimeoutError")

    texts.before_sending = report_and_fail
    deliver(post, [due])

    assert read(parts, due).state is State.SENT


def test_a_worker_whose_mark_is_old_no_longer_speaks_for_the_delivery(parts, post, clock, due):
    late = marked(parts, post, due)
    with parts.open_db() as db:
        row = db.get_one(Delivery, due)
        row.move(db, State.UNKNOWN, clock(), by="sweeper")
        row.move(db, State.SCHEDULED, clock(), by="reconciler")
    marked(parts, post, due)
    with parts.open_db() as db:
        record(db, [(late, Refused("Twilio 21617"))], post)

    assert read(parts, due).state is State.SENDING


def test_a_worker_that_speaks_after_the_sweep_is_heard(parts, post, clock, due):
    late = marked(parts, post, due)
    with parts.open_db() as db:
        db.get_one(Delivery, due).move(db, State.UNKNOWN, clock(), by="sweeper")
    with parts.open_db() as db:
        record(db, [(late, Receipt("SM1"))], post)

    row = read(parts, due)
    assert (row.state, row.provider_id) == (State.ACCEPTED, "SM1")


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


def test_opting_out_at_the_moment_of_the_mark_is_in_time_or_too_late_and_never_half(parts, post, texts, due):
    with parts.read_db() as db:
        index = db.get_one(Delivery, due).member.mobile_index
    barrier = threading.Barrier(2)

    def opt_out():
        barrier.wait(5)
        with parts.open_db() as db:
            suppress(db, Channel.SMS, index, "wrote STOP", NOW)

    thread = threading.Thread(target=opt_out)
    thread.start()
    barrier.wait(5)
    deliver(post, [due])
    thread.join()

    row = read(parts, due)
    assert (row.state, len(texts.outbox)) in {(State.SUPPRESSED, 0), (State.ACCEPTED, 1)}


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


def test_the_provider_is_called_side_by_side(parts, post, texts):
    with parts.open_db() as db:
        meeting = builders.session(db, builders.group(db))
        ids = [builders.delivery(db, builders.member(db), meeting).id for _ in range(4)]
    begun, seen = [], []

    def call(message):
        begun.append(message.to)
        think(0.1)
        seen.append(len(begun))

    texts.before_sending = call
    deliver(post, ids)

    assert (seen, len(texts.outbox)) == ([4, 4, 4, 4], 4)


def test_a_call_that_ends_the_process_leaves_the_others_to_be_recorded(parts, post, texts):
    with parts.open_db() as db:
        meeting = builders.session(db, builders.group(db))
        ids = [builders.delivery(db, builders.member(db), meeting).id for _ in range(3)]
    begun = []

    def call(message):
        begun.append(message)
        think(0.1 * len(begun))
        if message is begun[1]:
            raise SystemExit

    texts.before_sending = call
    with pytest.raises(SystemExit):
        deliver(post, ids)

    assert sorted(read(parts, one).state for one in ids) == [State.ACCEPTED, State.ACCEPTED, State.SENDING]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_what_another_worker_looks_at_for_a_moment_is_sent_all_the_same(parts, post, texts, engine, due, monkeypatch):
    looks = Session(engine)

    def look(place):
        if place == "leased" and not texts.outbox:
            looks.execute(select(Delivery.id).where(Delivery.id == due).with_for_update())

    monkeypatch.setattr(taking, "reach", look)
    with parts.open_db() as db:
        meeting = db.scalars(select(GroupSession)).one()
        builders.delivery(db, builders.member(db), meeting)
    texts.before_sending = lambda message: looks.close()
    deliver_due(post, lambda: False)

    assert len(texts.outbox) == 2
