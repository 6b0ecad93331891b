import re
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update

from service.flows import enrol
from service.flows.deliver import deliver, mark
from service.flows.enrol import invite
from service.flows.links import follow
from service.flows.plan import plan
from service.flows.suppress import suppress
from service.models import Consent, Delivery, Enrolment, Group, GroupSession, Invitation, Member, Rule
from service.models.groups import Answer, Came, SessionState
from service.rules.consent import Channel, Choice, Purpose, Refusal
from service.rules.kinds import Kind
from service.rules.lifecycle import State
from service.rules.retries import Patience
from tests import builders
from tests.builders import HOURS, NOW, THURSDAY, local

WEDNESDAY = THURSDAY - timedelta(days=1)


@pytest.fixture
def due(parts, clock):
    """A reminder, planned on Monday and now due: it is Wednesday, 18:30."""
    with parts.open_db() as db:
        made = builders.scene(db)
    clock.go_to(WEDNESDAY)
    return made


def outcome(parts, post, ids):
    """What became of the one delivery after a worker had it."""
    ids = [ids] if not isinstance(ids, list) else ids
    deliver(post, ids)
    with parts.read_db() as db:
        return db.get_one(Delivery, ids[0])


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


# quiet hours


def test_at_the_mark_it_is_asked_again_whether_it_is_night(parts, post, texts, clock, due):
    clock.go_to(local("2027-01-06 20:00"))
    row = outcome(parts, post, due.delivery)

    assert (row.state, row.next_at, texts.outbox) == (State.SCHEDULED, local("2027-01-07 09:00"), [])
    assert row.why == "24 hours before the session, held by quiet hours"


def test_what_the_night_held_back_goes_in_the_morning(parts, post, texts, clock, due):
    clock.go_to(local("2027-01-06 20:00"))
    outcome(parts, post, due.delivery)
    clock.go_to(local("2027-01-07 09:00"))

    assert (outcome(parts, post, due.delivery).state, len(texts.outbox)) == (State.ACCEPTED, 1)


def test_a_reminder_that_the_night_holds_back_for_too_long_is_put_away(parts, post, texts, clock):
    with parts.open_db() as db:
        place = builders.group(db)
        meeting = builders.session(db, place, local("2027-01-07 09:30"))
        row = builders.delivery(db, builders.member(db), meeting, expires_at=meeting.starts_at - timedelta(minutes=10))
    clock.go_to(local("2027-01-07 07:00"))

    row = outcome(parts, post, row.id)
    assert (row.state, row.reason, texts.outbox) == (State.EXPIRED, Refusal.TOO_LATE, [])


def test_a_prompt_that_the_night_holds_back_is_as_useful_in_the_morning(parts, post, texts, clock):
    with parts.open_db() as db:
        made = builders.scene(db, Kind.REFLECTION, 18 * HOURS)
        db.get_one(Delivery, made.delivery).expires_at = local("2027-01-08 23:00")
    clock.go_to(local("2027-01-08 21:00"))
    outcome(parts, post, made.delivery)
    clock.go_to(local("2027-01-09 09:00"))

    assert (outcome(parts, post, made.delivery).state, len(texts.outbox)) == (State.ACCEPTED, 1)


def test_it_is_night_by_the_members_clock_and_not_by_ours(parts, post, texts, clock):
    with parts.open_db() as db:
        made = builders.scene(db, time_zone="America/Los_Angeles")
        db.get_one(Delivery, made.delivery).next_at = NOW
    clock.go_to(local("2027-01-05 09:00"))  # six in Los Angeles

    assert (outcome(parts, post, made.delivery).state, texts.outbox) == (State.SCHEDULED, [])


# caps


def sent_before(db, who, *moments, kind=Kind.REMINDER, state=State.DELIVERED):
    for moment in moments:
        builders.delivery(
            db,
            who,
            kind=kind,
            state=state,
            marked_at=moment,
            due_at=moment,
            next_at=moment,
            address_index=who.mobile_index,
        )


def test_the_third_text_of_a_day_is_not_sent(parts, post, texts, due):
    with parts.open_db() as db:
        sent_before(db, db.get_one(Member, due.member), local("2027-01-06 09:00"), local("2027-01-06 12:00"))

    row = outcome(parts, post, due.delivery)
    assert (row.state, row.reason, texts.outbox) == (State.CANCELLED, Refusal.CAP, [])


def test_a_day_is_one_of_the_members_calendar(parts, post, texts, due):
    with parts.open_db() as db:
        sent_before(db, db.get_one(Member, due.member), local("2027-01-05 19:30"), local("2027-01-05 19:40"))

    assert outcome(parts, post, due.delivery).state is State.ACCEPTED


@pytest.mark.parametrize(("oldest", "state"), [("2026-12-30", State.ACCEPTED), ("2026-12-31", State.CANCELLED)])
def test_the_sixth_text_in_seven_days_is_not_sent(parts, post, due, oldest, state):
    days = (oldest, "2027-01-01", "2027-01-02", "2027-01-03", "2027-01-04")
    with parts.open_db() as db:
        sent_before(db, db.get_one(Member, due.member), *(local(f"{day} 19:59") for day in days))

    assert outcome(parts, post, due.delivery).state is state


def test_of_three_that_are_due_at_once_two_are_sent(parts, post, texts, clock):
    with parts.open_db() as db:
        who = builders.member(db)
        ids = [builders.delivery(db, who, builders.session(db, builders.group(db, name))).id for name in "ABC"]
    outcome(parts, post, ids)

    assert len(texts.outbox) == 2


def test_those_who_share_a_phone_share_its_cap(parts, post, texts, clock):
    with parts.open_db() as db:
        meeting = builders.session(db, builders.group(db))
        two = [builders.member(db, name, mobile="+12125550150") for name in ("Anna", "Bea")]
        ids = [builders.delivery(db, two[0], meeting).id, builders.delivery(db, two[1], meeting).id]
        ids.append(builders.delivery(db, two[1], builders.session(db, builders.group(db, "Other"))).id)
    outcome(parts, post, ids)

    assert len(texts.outbox) == 2


@pytest.mark.parametrize("state", [State.CANCELLED, State.EXPIRED, State.SUPPRESSED, State.DEAD])
def test_what_did_not_go_does_not_count(parts, post, due, state):
    with parts.open_db() as db:
        moments = [local(f"2027-01-06 1{hour}:00") for hour in range(5)]
        sent_before(db, db.get_one(Member, due.member), *moments, state=state)

    assert outcome(parts, post, due.delivery).state is State.ACCEPTED


def test_what_went_counts_whatever_became_of_it(parts, post, due):
    with parts.open_db() as db:
        who = db.get_one(Member, due.member)
        sent_before(db, who, local("2027-01-06 11:00"), state=State.UNDELIVERED)
        sent_before(db, who, local("2027-01-06 12:00"), state=State.ASSUMED)

    assert outcome(parts, post, due.delivery).reason == Refusal.CAP


def test_the_news_of_a_cancelled_session_is_not_capped(parts, post, texts):
    with parts.open_db() as db:
        who = builders.member(db)
        sent_before(db, who, NOW, NOW)
        meeting = builders.session(db, builders.group(db), state=SessionState.CANCELLED)
        row = builders.delivery(db, who, meeting, Kind.CANCELLED)

    outcome(parts, post, row.id)
    assert len(texts.outbox) == 1


def test_mails_are_not_capped(parts, post, mails):
    with parts.open_db() as db:
        who = builders.member(db, email="anna@example.org", choice=Choice.EMAIL, mobile="")
        ids = [
            builders.delivery(db, who, builders.session(db, builders.group(db, name)), channel=Channel.EMAIL).id
            for name in "ABC"
        ]
    outcome(parts, post, ids)

    assert len(mails.outbox) == 3


# words


def test_a_same_day_reminder_says_today_only_today(parts, post, texts, clock):
    with parts.open_db() as db:
        place = builders.group(db)
        today = builders.session(db, place, local("2027-01-04 18:30"))
        tomorrow = builders.session(db, place, local("2027-01-05 18:30"))
        who = builders.member(db)
        ids = [builders.delivery(db, who, meeting, Kind.SAME_DAY).id for meeting in (today, tomorrow)]
    outcome(parts, post, ids)

    said = sorted(message.text for message in texts.outbox)
    assert said == [
        "Oak St Office: Reminder of your appointment Tue Jan 5 at 6:30 PM. Reply C to confirm or X if you can't come."
        " Reply STOP to end.",
        "Oak St Office: See you today at 6:30 PM. Your place is held. Reply X if you can't come or call 212-555-0199.",
    ]


def test_a_member_whose_language_we_do_not_have_is_not_written_to(parts, post, texts, due):
    with parts.open_db() as db:
        db.get_one(Member, due.member).language = "fr"

    row = outcome(parts, post, due.delivery)
    assert (row.state, row.reason, texts.outbox) == (State.CANCELLED, Refusal.NO_TEXT, [])


def test_the_words_are_kept_as_they_left(parts, post, texts, due):
    row = outcome(parts, post, due.delivery)

    assert (row.body, row.address) == (texts.outbox[0].text, texts.outbox[0].to)


def test_the_provider_is_told_how_long_a_text_is_of_use(parts, post, texts, clock, due):
    clock.go_to(local("2027-01-07 17:00"))
    deliver(post, [due.delivery])

    assert texts.outbox[0].useful_for == THURSDAY - timedelta(minutes=10) - clock()


def test_a_mail_says_nothing_but_that_there_is_a_message(parts, post, mails, clock):
    with parts.open_db() as db:
        made = builders.scene(db, email="anna@example.org", choice=Choice.EMAIL)
    clock.go_to(WEDNESDAY)
    outcome(parts, post, made.delivery)

    (mail,) = mails.outbox
    assert mail.subject == "You have a new message"
    assert "Thu" not in mail.text
    assert "6:30" not in mail.text
    assert "https://groups.example.org/me/" in mail.text


def test_a_mail_can_be_stopped_with_one_click(parts, post, mails, clock):
    with parts.open_db() as db:
        made = builders.scene(db, email="anna@example.org", choice=Choice.EMAIL)
    clock.go_to(WEDNESDAY)
    outcome(parts, post, made.delivery)

    headers = mails.outbox[0].headers
    assert headers["List-Unsubscribe"].startswith("<https://groups.example.org/u/")
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_each_mail_has_links_of_its_own(parts, post, mails, clock):
    with parts.open_db() as db:
        made = builders.scene(db, email="anna@example.org", choice=Choice.EMAIL)
        other = builders.member(db, "Ben Cole", email="ben@example.org", choice=Choice.EMAIL)
        builders.enrolled(db, db.get_one(Group, made.group), other)
        plan(db, NOW)
        to = {str(row.id): row.member_id for row in db.scalars(select(Delivery))}
    clock.go_to(WEDNESDAY)
    deliver(post, [UUID(one) for one in to])

    assert {mail.reference for mail in mails.outbox} == set(to)
    with parts.read_db() as db:
        for mail in mails.outbox:
            page = follow(db, re.findall(r"/me/(\S+)", mail.text)[0], "message", clock())
            (token,) = {*re.findall(r"/u/([^\s>]+)", mail.text + mail.headers["List-Unsubscribe"])}
            stop = follow(db, token, "unsubscribe", clock())
            for link in (page, stop):
                assert (str(link.delivery_id), link.member_id) == (mail.reference, to[mail.reference])
            assert (page.expires_at - clock(), stop.expires_at) == (timedelta(hours=72), None)


# the invitation


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
    with builders.heard(engine) as asked_for_one, parts.open_db() as db:
        mark(db, ids[:1], post)
    with builders.heard(engine) as asked, parts.open_db() as db:
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
