"""What holds of every address, found in the app's own map: a new route is covered by itself."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text

from service.app import CONTENT_POLICY, HEADERS, create_app
from service.flows import agreements, attend, enrol, links, second_factor, second_step
from service.flows.escalate import call_people
from service.flows.on_call import Duty, put_on_call, send_test
from service.flows.plan import plan
from service.flows.receive import Inbound, receive
from service.models import Absence, Base, Delivery, Flag, Page, Practice, Reply, Staff
from service.models.groups import Answer, Came, SessionState
from service.models.second_factors import Factor
from service.rules.consent import Channel, Choice, Purpose
from service.rules.kinds import Kind
from service.rules.lifecycle import State
from tests import builders
from tests.builders import NOW

PAYLOAD = "<img src=x onerror=alert(1)>\"'&{{7*7}}"
ESCAPED = "&lt;img src=x onerror=alert(1)&gt;"
OPEN = {
    *("healthz", "readyz", "first_run.welcome", "sign_in.enter", "sign_in.new_password"),
    *("opt_in.sample", "opt_in.terms", "opt_in.privacy"),
}
"""Whoever comes may look at these; /me and /u open by their links alone."""
MEMBERS = {"me.message", "me.ask_to_stop", "opt_in.form", "by_link.called", "by_link.unable"}
MEMBERS |= {"agree.read"}
BY_LINK = {"me", "by_link", "not_me", "one_click", "opt_in", "agree", "member_links"}
NEED_NO_TOKEN = {
    "twilio.inbound",
    "twilio.status",
    "sendgrid.events",
    "sendgrid.inbound_mail",
    "one_click.stop",
    "not_me.cannot",
}

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@dataclass
class Busy:
    """A practice in which everything there is to show is there once, and every text of it is an attack."""

    values: dict[str, UUID] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)


@pytest.fixture
def busy(parts, staff):
    made = Busy()
    with parts.open_db() as db:
        practice = db.scalars(select(Practice)).one()
        practice.name, practice.postal_address = PAYLOAD, PAYLOAD
        db.scalars(select(Staff)).one().name = PAYLOAD
        group = builders.group(db, PAYLOAD, outside_name=PAYLOAD[:40], place=PAYLOAD)
        rule = builders.rule(db, group)
        past = builders.session(db, group, NOW - timedelta(days=2))
        ahead = builders.session(db, group)
        builders.session(db, group, NOW + timedelta(days=5), state=SessionState.CANCELLED)
        person = enrol.Person(PAYLOAD, "+12125550100", "anna@example.org", Choice.BOTH, "en")
        who = enrol.add_member(db, person, NOW)
        words = replace(builders.EVIDENCE, wording=PAYLOAD, taken_by=PAYLOAD, method=PAYLOAD[:40])
        enrol.record_consent(db, who, list(Channel), list(Purpose), words, NOW)
        enrolment = builders.enrolled(db, group, who)
        plan(db, NOW)
        attend.answer(db, ahead, who, Answer.COMING, NOW)
        builders.came(db, past, who, Came.CAME)
        for state in State:
            sent = builders.delivery(
                db,
                who,
                past,
                Kind.REFLECTION,
                state=state,
                marked_at=NOW - timedelta(hours=3),
                reason=PAYLOAD[:40],
                due_at=NOW - timedelta(days=1),
                attempts=1,
            )
            sent.body = PAYLOAD
        receive(db, Inbound("SM1", "+12125550100", PAYLOAD), NOW)
        receive(db, Inbound("SM2", "+12125550999", f"I want to die {PAYLOAD}"), NOW)
        agreements.put(db, group, PAYLOAD, None, NOW)
        past.line = PAYLOAD
        stranger = db.scalars(select(Staff)).one()
        flag = db.scalars(Flag.urgent()).one()
        flag.pattern = PAYLOAD
        call_people(db, NOW)
        page = db.scalars(select(Page)).first()
        contact = put_on_call(db, stranger, Duty("+12125550188"), stranger.id, NOW)
        send_test(db, contact, stranger.id, NOW)
        absence = Absence(staff_id=stranger.id, cover_id=stranger.id, first=NOW.date(), last=NOW.date())
        db.add(absence)
        made.tokens = {
            "me": links.new_link(db, "message", None, member_id=who.id, delivery_id=sent.id),
            "one_click": links.new_link(db, "unsubscribe", None, member_id=who.id),
            "opt_in": links.new_link(db, "opt_in", None, member_id=who.id),
            "member_links": links.new_link(db, "opt_in", None, member_id=who.id),
            "agree": links.new_link(db, agreements.PURPOSE, None, member_id=who.id),
            "sign_in": links.new_link(db, "password", None, staff_id=stranger.id),
        }
        second_factor.begin(db, stranger.id, Factor.APP, parts.machine_clock())
        second_factor.begin(db, stranger.id, Factor.PASSKEY, parts.machine_clock(), b"challenge")
        staff.client.set_cookie("half-way", second_step.begin(db, stranger.id, parts.machine_clock()))
        made.tokens["by_link"] = made.tokens["not_me"] = page.token
        made.tokens["me.ask_to_stop"] = made.tokens["one_click"]
        made.values = {
            "group_id": group.id,
            "session_id": ahead.id,
            "member_id": who.id,
            "enrolment_id": enrolment.id,
            "rule_id": rule.id,
            "staff_id": stranger.id,
            "key": "checkin_0_10",
            "delivery_id": db.scalars(select(Delivery.id).where(Delivery.state == State.SCHEDULED)).first(),
            "flag_id": flag.id,
            "contact_id": contact.id,
            "absence_id": absence.id,
            "reply_id": db.scalars(select(Reply.id)).first(),
        }
    return made


def rules(app, method):
    return [rule for rule in app.url_map.iter_rules() if method in rule.methods and rule.endpoint != "static"]


def path_of(app, rule, busy):
    """The address of a route, with the ids of what is there."""
    token = busy.tokens.get(rule.endpoint) or busy.tokens.get(rule.endpoint.partition(".")[0], "")
    known = {**busy.values, "token": token}
    with app.test_request_context():
        return app.url_map.bind("127.0.0.1").build(
            rule.endpoint,
            {name: known[name] for name in rule.arguments},
            method=next(iter(rule.methods - {"HEAD", "OPTIONS"})),
        )


def everything(parts):
    """What every table holds but the one that says who has read what."""
    with parts.read_db() as db:
        tables = set(Base.metadata.tables) - {"audit_entries"}
        return {name: sorted(map(repr, db.execute(text(f"SELECT * FROM {name}")))) for name in tables}


def test_every_page_is_there_for_staff(app, staff, busy):
    answers = {rule.endpoint: staff.get(path_of(app, rule, busy)) for rule in rules(app, "GET")}
    broken = {endpoint: answer.status_code for endpoint, answer in answers.items() if answer.status_code != 200}

    # the first run is over, the session at hand belongs to no series, and nobody has asked for their passkey
    assert broken == {"first_run.welcome": 404, "sessions.series_form": 404, "second_step.alone": 302}


def test_every_staff_page_turns_strangers_away(app, busy):
    stranger = app.test_client()
    asked = {rule.endpoint: stranger.get(path_of(app, rule, busy)) for rule in rules(app, "GET")}
    guarded = {endpoint: answer for endpoint, answer in asked.items() if endpoint not in OPEN | MEMBERS}

    assert len(guarded) >= 11
    assert {(answer.status_code, answer.location.partition("?")[0]) for answer in guarded.values()} == {
        (302, "/sign-in")
    }


def test_every_change_turns_strangers_away(parts, app, busy):
    app.config["WTF_CSRF_ENABLED"] = False
    before, stranger = everything(parts), app.test_client()
    staff_only = [
        rule
        for rule in rules(app, "POST")
        if rule.endpoint.partition(".")[0] not in {"sign_in", "first_run", *BY_LINK, "twilio", "sendgrid"}
    ]
    answers = [stranger.post(path_of(app, rule, busy)) for rule in staff_only]

    assert len(answers) >= 14
    assert {(answer.status_code, answer.location.partition("?")[0]) for answer in answers} == {(302, "/sign-in")}
    assert everything(parts) == before


def test_every_form_needs_its_token(parts, app, staff, busy):
    before = everything(parts)
    asked = {rule.endpoint: staff.client.post(path_of(app, rule, busy)) for rule in rules(app, "POST")}
    taken = {endpoint for endpoint, answer in asked.items() if answer.status_code != 400} - {"first_run.first_account"}

    assert taken == NEED_NO_TOKEN
    after = everything(parts)
    changed = {name for name in before if before[name] != after[name]}
    assert changed <= {"consents", "suppressions", "deliveries", "delivery_events", "flags", "pages"}, (
        "only one click changes a row"
    )


def test_looking_changes_nothing(parts, app, staff, busy):
    before = everything(parts)
    for rule in rules(app, "GET"):
        path = path_of(app, rule, busy)
        staff.get(path)
        staff.client.head(path)
        app.test_client().get(path)

    assert everything(parts) == before


def test_every_answer_has_the_headers_that_keep_a_page_to_itself(app, staff, busy):
    paths = [path_of(app, rule, busy) for rule in rules(app, "GET")] + ["/nowhere", "/webhooks/twilio/inbound"]
    for path in paths:
        answer = staff.get(path)

        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS, path
        assert answer.headers["Cache-Control"] == "no-store"
        assert "unsafe" not in CONTENT_POLICY


def test_no_page_says_what_serves_it(app, staff, busy):
    assert "Server" not in staff.get("/").headers


def test_every_text_is_shown_as_text(app, staff, busy):
    for rule in rules(app, "GET"):
        if rule.endpoint in ("healthz", "readyz"):
            continue
        page = staff.get(path_of(app, rule, busy)).text

        assert "<img src=x" not in page, rule.endpoint


@pytest.mark.parametrize("show", ["all", "waiting", "sent", "delivered", "failed", "not_sent", "held"])
def test_reasons_in_the_log_are_shown_as_text(staff, busy, show):
    assert "<img src=x" not in staff.get(f"/log?show={show}").text


def test_the_attacks_are_really_shown(staff, busy):
    for path in ("/", "/groups", "/members", "/replies", "/settings", "/log"):
        assert ESCAPED in staff.get(path).text, path


def test_nothing_of_the_address_is_believed_but_the_public_one(app, staff, busy):
    answer = staff.get("/", headers={"Host": "evil.example"})

    assert answer.status_code == 400
    assert answer.text == "Bad request. This is not the address of this service.\n"


def test_the_addresses_on_the_settings_page_are_made_from_the_public_one(parts, staff):
    page = staff.get("/settings", headers={"X-Forwarded-Host": "localhost:9999"}).text

    assert f"{parts.settings.public_url}/webhooks/twilio/inbound" in page
    assert "9999" not in page


@pytest.mark.parametrize("key", [str(UUID(int=0)), "nonsense", "1", "../../etc/passwd", "%00"])
def test_what_is_not_there_is_a_404_in_words(staff, key):
    for path in ("/groups/{}", "/groups/{}/members", "/groups/{}/messages", "/sessions/{}", "/members/{}"):
        answer = staff.get(path.format(key))

        assert answer.status_code == 404
        assert "There is nothing here" in answer.text


def test_an_id_of_another_kind_is_a_404(staff, busy):
    assert staff.get(f"/groups/{busy.values['member_id']}").status_code == 404


@pytest.mark.parametrize("path", ["/", "/log", "/members"])
def test_another_method_is_a_405_in_words(staff, path):
    answer = staff.post(path)

    assert answer.status_code == 405
    assert "does not take that kind of request" in answer.text


def test_what_is_too_large_is_a_413_in_words(staff, busy):
    answer = staff.post("/settings", {"name": "x" * 9_100_000})

    assert answer.status_code == 413
    assert "too large" in answer.text


def test_a_broken_view_is_a_500_in_words_without_a_trace(app, staff, monkeypatch):
    def broken():
        raise RuntimeError("SELECT secret FROM /etc/passwd")

    monkeypatch.setitem(app.view_functions, "groups.all_groups", broken)
    answer = staff.get("/groups")

    assert answer.status_code == 500
    assert "Nothing was half-saved" in answer.text
    assert not any(word in answer.text for word in ("Traceback", "secret", "/etc/", "RuntimeError"))


def test_readiness_and_health_say_one_word(client):
    assert (client.get("/healthz").json, client.get("/readyz").json) == ({"status": "ok"}, {"status": "ready"})


def test_behind_https_the_browser_is_told_to_stay_there(parts, staff):
    https = replace(parts, settings=replace(parts.settings, public_url="https://groups.example.org"))
    client = create_app(https).test_client()
    answer = client.get("/sign-in", base_url="https://groups.example.org")

    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
