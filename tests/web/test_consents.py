"""What members agreed to, on staff's page: its history, what is put into it, and the button that stops everything."""

import json

import pytest
from sqlalchemy import select

from service.flows import enrol
from service.flows.standing import standing
from service.models import AuditEntry, Consent, Delivery, Member
from service.rules.consent import Channel, Choice, Purpose
from service.rules.lifecycle import State
from tests import builders
from tests.web.made_groups import has_error_at

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

CONSENT = {
    "purpose_reminder": "1",
    "channel_sms": "1",
    "method": "paper",
    "consent_on": "2027-01-03",
    "wording": "You may text me.",
    "kept_at": "Folder 12",
}


def invitee(parts):
    with parts.open_db() as db:
        return builders.member(db, email="anna@example.org", choice=Choice.BOTH, agrees=()).id


def standing_of(parts, key):
    with parts.read_db() as db:
        member = db.get_one(Member, key)
        now = standing(db, member)
        return {channel: len(now.agreed(channel, member.address_index(channel))) for channel in Channel}


def rows_of(parts):
    with parts.read_db() as db:
        return db.scalars(select(Consent).order_by(Consent.seq)).all()


def test_a_consent_on_paper_is_recorded_with_who_when_the_words_and_where_the_paper_is(parts, staff):
    key = invitee(parts)
    answer = staff.post(f"/members/{key}/consent", CONSENT)
    row = rows_of(parts)[0]

    assert (answer.status_code, standing_of(parts, key)) == (302, {Channel.SMS: 1, Channel.EMAIL: 0})
    assert (row.method, row.wording, row.occurred_at.date().isoformat()) == ("paper", "You may text me.", "2027-01-03")
    assert len(row.version) == 12
    ground = "prior express consent (47 CFR 64.1200)"

    assert json.loads(row.proof) == {"address": "+12125550100", "kept at": "Folder 12", "legal ground": ground}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("purpose_reminder", ""),
        ("channel_sms", ""),
        ("method", "telepathy"),
        ("consent_on", "2027-02-01"),
        ("consent_on", ""),
        ("wording", ""),
        ("wording", "x" * 2001),
        ("wording", "You\x07 may"),
        ("kept_at", ""),
    ],
)
def test_a_consent_without_its_evidence_is_an_error_at_its_field(parts, staff, field, value):
    key = invitee(parts)
    page = staff.post(f"/members/{key}/consent", {**CONSENT, field: value})

    assert (page.status_code, has_error_at(page, field)) == (422, True)
    assert standing_of(parts, key) == {Channel.SMS: 0, Channel.EMAIL: 0}


def test_a_consent_by_voice_needs_no_paper(parts, staff):
    key = invitee(parts)

    assert staff.post(f"/members/{key}/consent", {**CONSENT, "method": "voice", "kept_at": ""}).status_code == 302


def test_a_consent_of_more_than_a_week_ago_needs_a_reason(parts, staff):
    key = invitee(parts)
    page = staff.post(f"/members/{key}/consent", {**CONSENT, "consent_on": "2026-12-27"})
    answer = staff.post(f"/members/{key}/consent", {**CONSENT, "consent_on": "2026-12-27", "reason": "Holidays"})

    assert (page.status_code, has_error_at(page, "reason"), answer.status_code) == (422, True, 302)
    assert json.loads(rows_of(parts)[0].proof)["recorded late because"] == "Holidays"


def test_staff_are_offered_the_words_of_our_own_form_to_read_out(parts, staff):
    page = staff.get(f"/members/{invitee(parts)}/consent").text

    assert "Reply STOP to end texts" in page
    assert "You do not have to agree to get care." in page


def test_staff_stop_messages_and_no_consent_on_paper_lifts_that(parts, staff):
    key = invitee(parts)
    staff.post(f"/members/{key}/consent", {**CONSENT, "channel_email": "1"})
    staff.post(f"/members/{key}/stop", {"channel": "both", "route": "phone", "said": "Enough, please."})
    stopped = standing_of(parts, key)
    staff.post(f"/members/{key}/consent", CONSENT)

    assert stopped == standing_of(parts, key) == {Channel.SMS: 0, Channel.EMAIL: 0}


def test_a_stop_that_staff_heard_is_kept_with_its_day_its_route_and_the_words(parts, staff):
    key = invitee(parts)
    staff.post(f"/members/{key}/consent", CONSENT)
    form = {"channel": "sms", "route": "voicemail", "said": "Enough, please.", "stopped_on": "2027-01-02"}
    staff.post(f"/members/{key}/stop", form)
    row = rows_of(parts)[-1]

    assert (row.is_yes, row.method, row.occurred_at.date().isoformat()) == (False, "told staff", "2027-01-02")
    assert json.loads(row.proof) == {"address": "+12125550100", "said": "Enough, please.", "by": "voicemail"}


@pytest.mark.parametrize(
    ("field", "value"), [("stopped_on", "2027-02-01"), ("stopped_on", "soon"), ("channel", "pigeon")]
)
def test_a_stop_that_cannot_be_read_is_an_error_at_its_field(parts, staff, field, value):
    key = invitee(parts)
    page = staff.post(f"/members/{key}/stop", {"channel": "sms", field: value})

    assert (page.status_code, has_error_at(page, field)) == (422, True)


def test_one_button_voids_what_is_scheduled(parts, staff):
    with parts.open_db() as db:
        made = builders.scene(db)
    staff.post(f"/members/{made.member}/stop", {"channel": "sms"})

    with parts.read_db() as db:
        row = db.get_one(Delivery, made.delivery)
        assert (row.state, row.reason) == (State.SUPPRESSED, "opted out")


def test_start_gives_back_what_staff_stopped_on_the_members_word(parts, staff, twilio):
    key = invitee(parts)
    staff.post(f"/members/{key}/consent", CONSENT)
    staff.post(f"/members/{key}/stop", {"channel": "sms"})
    twilio.said("+12125550100", "START")

    assert standing_of(parts, key)[Channel.SMS] == 1


def test_the_history_says_when_how_by_whom_and_with_which_words(parts, staff):
    key = invitee(parts)
    staff.post(f"/members/{key}/consent", CONSENT)
    staff.post(f"/members/{key}/stop", {"channel": "sms", "said": "Enough, please."})
    page = staff.get(f"/members/{key}/consent").text

    assert all(
        part in page
        for part in ("Reminders, by text", "paper", "Dana Whitlock", "You may text me.", "Folder 12", "Enough, please.")
    )


def test_a_consent_of_an_earlier_number_is_named_as_such(parts, staff):
    with parts.open_db() as db:
        who = builders.member(db)
        who.set_mobile("+12125550777", [])
    page = staff.get(f"/members/{who.id}/consent").text

    assert "for an earlier number" in page
    assert "Nothing is in force." in page


def test_each_message_that_went_names_the_row_it_went_under(parts, staff):
    with parts.open_db() as db:
        made = builders.scene(db)
        row = db.scalars(select(Consent).where(Consent.purpose == "reminder")).one()
        db.get_one(Delivery, made.delivery).consent_seq = row.seq

    assert f"under row {row.seq} of their consent" in staff.get(f"/members/{made.member}").text


def test_the_settings_say_what_the_law_of_the_country_asks_for(parts, staff):
    page = staff.get("/settings").text

    assert "What the law asks" in page
    assert "within 10 business days" in page


def test_a_question_that_ran_out_is_sent_again_with_one_press(parts, staff, clock):
    key = invitee(parts)
    with parts.open_db() as db:
        who, group = db.get_one(Member, key), builders.group(db)
        builders.enrolled(db, group, who)
        enrol.invite(db, who, [Purpose.REMINDER], None, clock())
        members = f"/groups/{group.id}/members"
    within = "Ask again" in staff.get(f"/members/{key}/consent").text
    clock.go(days=8)
    led = f'href="/members/{key}/consent#ask-again"' in staff.get(members).text
    after = 'id="ask-again"' in staff.get(f"/members/{key}/consent").text
    answer = staff.post(f"/members/{key}/ask-again", follow_redirects=True).text
    again = staff.post(f"/members/{key}/ask-again", follow_redirects=True).text

    assert (within, led, after) == (False, True, True)
    assert "The question is on its way. They answer START to agree." in answer
    assert "They cannot be asked by text now" in again
    with parts.read_db() as db:
        assert len(db.scalars(select(Delivery)).all()) == 2
        assert "member asked again" in db.scalars(select(AuditEntry.action)).all()
    assert "once more whether they agree" in staff.get("/settings/audit").text
