"""What changed after it was queued stops a message at the mark; what is allowed goes out."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from service.flows import enrol
from service.flows.deliver import deliver, mark
from service.flows.enrol import invite
from service.flows.suppress import suppress
from service.models import Consent, Delivery, Enrolment, GroupSession, Invitation, Member, Rule
from service.models.groups import Answer, Came, SessionState
from service.rules.consent import Channel, Choice, Purpose, Refusal
from service.rules.kinds import Kind
from service.rules.lifecycle import State
from service.rules.retries import Patience
from tests import builders
from tests.builders import HOURS, NOW, THURSDAY, local
from tests.flows.marking.conftest import WEDNESDAY, outcome
from tests.listening import heard


def test_what_is_due_and_allowed_goes_out(parts, post, texts, due):
    row = outcome(parts, post, due.delivery)

    assert (row.state, len(texts.outbox)) == (State.ACCEPTED, 1)


def no_address(db, made):
    db.get_one(Member, made.member).set_mobile("", ())


def no_consent(db, made):
    builders.withdraw(db, db.get_one(Member, made.member))


def consent_to_other_things(db, made):
    who = db.get_one(Member, made.member)
    builders.withdraw(db, who, [Purpose.REMINDER])


def consent_for_another_number(db, made):
    db.get_one(Member, made.member).set_mobile("+12125550177", ())


def opted_out(db, made):
    db.execute(update(Delivery).values(state=State.SCHEDULED))
    index = db.get_one(Member, made.member).mobile_index
    suppress(db, Channel.SMS, index, "wrote STOP", WEDNESDAY)
    db.execute(update(Delivery).values(state=State.SCHEDULED, reason=None))  # as though planned in between


def session_cancelled(db, made):
    db.get_one(GroupSession, made.session).state = SessionState.CANCELLED


def session_moved(db, made):
    db.get_one(GroupSession, made.session).start_revision += 1


def not_enrolled(db, made):
    db.scalars(select(Enrolment)).one().left_on = THURSDAY.date()


def away(db, made):
    db.scalars(select(Enrolment)).one().away_from = THURSDAY.date()


def rule_off(db, made):
    db.get_one(Rule, made.rule).is_on = False


def said_they_cannot_come(db, made):
    who, meeting = db.get_one(Member, made.member), db.get_one(GroupSession, made.session)
    builders.answered(db, meeting, who, Answer.CANNOT)


def answered(db, made):
    db.get_one(Rule, made.rule).stop_if_answered = True
    builders.answered(db, db.get_one(GroupSession, made.session), db.get_one(Member, made.member))


def group_closed(db, made):
    db.get_one(GroupSession, made.session).group.closed_at = NOW


def channel_not_chosen(db, made):
    db.get_one(Member, made.member).choice = Choice.NONE


@pytest.mark.parametrize(
    ("change", "state", "reason"),
    [
        (no_address, State.SUPPRESSED, Refusal.NO_ADDRESS),
        (no_consent, State.SUPPRESSED, Refusal.NO_CONSENT),
        (consent_to_other_things, State.SUPPRESSED, Refusal.NO_CONSENT),
        (consent_for_another_number, State.SUPPRESSED, Refusal.NO_CONSENT),
        (opted_out, State.SUPPRESSED, Refusal.OPTED_OUT),
        (session_cancelled, State.CANCELLED, Refusal.SESSION_CANCELLED),
        (session_moved, State.CANCELLED, Refusal.SESSION_MOVED),
        (not_enrolled, State.CANCELLED, Refusal.NOT_ENROLLED),
        (away, State.CANCELLED, Refusal.AWAY),
        (rule_off, State.CANCELLED, Refusal.RULE_OFF),
        (group_closed, State.CANCELLED, Refusal.RULE_OFF),
        (channel_not_chosen, State.CANCELLED, Refusal.NOT_CHOSEN),
        (said_they_cannot_come, State.CANCELLED, Refusal.CANNOT_COME),
        (answered, State.CANCELLED, Refusal.ANSWERED),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_what_changed_after_it_was_queued_stops_it(parts, post, texts, due, change, state, reason):
    with parts.open_db() as db:
        change(db, due)

    row = outcome(parts, post, due.delivery)
    assert (row.state, row.reason, texts.outbox) == (state, reason, [])


def test_a_reminder_is_not_sent_less_than_ten_minutes_before_the_start(parts, post, texts, clock, due):
    clock.go_to(THURSDAY - timedelta(minutes=9))

    row = outcome(parts, post, due.delivery)
    assert (row.state, row.reason, texts.outbox) == (State.EXPIRED, Refusal.TOO_LATE, [])


def test_what_is_given_up_is_settled_from_then_on(parts, post, clock, due):
    with parts.open_db() as db:
        no_consent(db, due)

    assert outcome(parts, post, due.delivery).settled_at == clock()


def test_what_is_given_up_was_not_tried(parts, post, due):
    with parts.open_db() as db:
        no_consent(db, due)

    assert outcome(parts, post, due.delivery).attempts == 0


def test_what_was_handed_out_too_early_waits(parts, post, texts, clock, due):
    clock.go_to(WEDNESDAY - timedelta(seconds=1))

    assert (outcome(parts, post, due.delivery).state, texts.outbox) == (State.SCHEDULED, [])


def test_the_consent_that_it_was_sent_under_is_kept_with_it(parts, post, due):
    row = outcome(parts, post, due.delivery)

    with parts.read_db() as db:
        consent = db.get_one(Consent, row.consent_seq)
    assert (consent.purpose, consent.channel, consent.is_yes) == (Purpose.REMINDER, Channel.SMS, True)


def test_a_prompt_is_not_sent_to_a_member_who_paused(parts, post, texts, clock):
    with parts.open_db() as db:
        made = builders.scene(db, Kind.REFLECTION, 18 * HOURS)
        db.get_one(Member, made.member).paused_until = THURSDAY + timedelta(days=2)
    clock.go_to(local("2027-01-08 14:00"))

    row = outcome(parts, post, made.delivery)
    assert (row.state, row.reason, texts.outbox) == (State.CANCELLED, Refusal.PAUSED, [])


def test_a_reminder_is_sent_to_a_member_who_paused(parts, post, texts, due):
    with parts.open_db() as db:
        db.get_one(Member, due.member).paused_until = THURSDAY

    outcome(parts, post, due.delivery)
    assert len(texts.outbox) == 1


@pytest.mark.parametrize("how", [Came.ABSENT, Came.EXCUSED])
def test_who_was_not_there_is_not_asked_how_it_was(parts, post, texts, clock, how):
    with parts.open_db() as db:
        made = builders.scene(db, Kind.REFLECTION, 18 * HOURS)
        builders.came(db, db.get_one(GroupSession, made.session), db.get_one(Member, made.member), how)
    clock.go_to(local("2027-01-08 14:00"))

    assert (outcome(parts, post, made.delivery).reason, texts.outbox) == (Refusal.NOT_THERE, [])


@pytest.fixture
def invited(parts):
    with parts.open_db() as db:
        who = builders.member(db, agrees=())
        invite(db, who, [Purpose.REMINDER], None, NOW)
        return builders.all_deliveries(db)[0].id


def test_an_invitation_needs_no_consent(parts, post, texts, invited):
    outcome(parts, post, invited)

    assert texts.outbox[0].text == (
        "Oak St Office: You asked for appointment texts. Reply START to agree. Msg frequency varies. Msg&data rates"
        " may apply. Reply HELP for help, STOP to end."
    )


def test_an_invitation_that_was_answered_meanwhile_is_not_sent(parts, post, texts, invited):
    with parts.open_db() as db:
        db.scalars(select(Invitation)).one().accepted_at = NOW

    assert (outcome(parts, post, invited).reason, texts.outbox) == (Refusal.ANSWERED, [])


def test_an_invitation_is_not_sent_to_who_opted_out(parts, post, texts, invited):
    with parts.open_db() as db:
        opted_out_index = db.scalars(select(Member)).one().mobile_index
        suppress(db, Channel.SMS, opted_out_index, "wrote STOP", NOW)
        db.execute(update(Delivery).values(state=State.SCHEDULED))

    assert (outcome(parts, post, invited).reason, texts.outbox) == (Refusal.OPTED_OUT, [])


def test_leave_and_return_between_plan_and_mark_lets_it_go(parts, post, texts, due, clock):
    with parts.open_db() as db:
        enrolment = db.scalars(select(Enrolment)).one()
        enrol.go_away(db, enrolment, THURSDAY.date(), None, clock())
    with parts.open_db() as db:
        enrol.go_away(db, db.scalars(select(Enrolment)).one(), None, None, clock())
    outcome(parts, post, due.delivery)

    assert len(texts.outbox) == 1


def five_due(parts):
    with parts.open_db() as db:
        meeting = builders.session(db, builders.group(db))
        return [builders.delivery(db, builders.member(db), meeting).id for _ in range(5)]


def test_the_mark_asks_a_few_questions_of_the_database_however_many_it_marks(parts, post, engine, clock):
    ids = five_due(parts)
    with heard(engine) as asked_for_one, parts.open_db() as db:
        mark(db, ids[:1], post)
    with heard(engine) as asked, parts.open_db() as db:
        mark(db, ids[1:], post)

    assert len(asked) <= len(asked_for_one) + 3 * 4


def test_a_text_dies_at_its_provider_before_the_members_night_begins(parts, post, texts, due, clock):
    clock.go_to(local("2027-01-06 19:30"))
    deliver(post, [due.delivery])

    assert texts.outbox[0].useful_for == timedelta(minutes=30)


@pytest.mark.parametrize(("patience", "waits"), [(Patience(), 31), (Patience(deadline=5, lease=30), 11)])
def test_the_news_of_a_session_comes_after_a_reminder_that_is_just_leaving(parts, post, texts, clock, patience, waits):
    post = replace(post, patience=patience)
    with parts.open_db() as db:
        meeting = builders.session(db, builders.group(db))
        who = builders.member(db)
        reminder = builders.delivery(db, who, meeting).id
    with parts.open_db() as db:
        mark(db, [reminder], post)
        meeting = db.scalars(select(GroupSession)).one()
        meeting.state = SessionState.CANCELLED
        news = builders.delivery(db, db.scalars(select(Member)).one(), meeting, Kind.CANCELLED).id
    deliver(post, [news])
    assert texts.outbox == []

    clock.go(seconds=waits)
    deliver(post, [news])
    assert len(texts.outbox) == 1


def test_an_address_that_cannot_be_read_with_the_keys_at_hand_waits_for_them(parts, post, texts, due):
    with parts.open_db() as db:
        who = db.get_one(Member, due.member)
        kept = who.mobile_sealed
        who.mobile_sealed = kept.replace(b"k1", b"k9")
    assert (outcome(parts, post, due.delivery).state, texts.outbox) == (State.SCHEDULED, [])

    with parts.open_db() as db:
        db.get_one(Member, due.member).mobile_sealed = kept
    assert outcome(parts, post, due.delivery).state is State.ACCEPTED
