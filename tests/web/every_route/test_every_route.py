"""What holds of every address, found in the app's own map: a new route is covered by itself."""

import pytest
from sqlalchemy import text

from service.app import CONTENT_POLICY, HEADERS
from service.models import Base

ESCAPED = "&lt;img src=x onerror=alert(1)&gt;"
OPEN = {
    *("healthz", "readyz", "first_run.welcome", "sign_in.enter", "sign_in.new_password"),
    *("opt_in.sample", "opt_in.terms", "opt_in.privacy"),
}
"""Whoever comes may look at these; /me and /u open by their links alone."""
MEMBERS = {"me.message", "me.ask_to_stop", "opt_in.form", "by_link.called", "by_link.unable", "agree.read"}
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
