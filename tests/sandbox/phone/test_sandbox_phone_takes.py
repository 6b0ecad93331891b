"""The on-screen phone, without a browser: what it takes, and from whom."""

import pytest

from tests.sandbox.conftest import ALICE
from tests.sandbox.phone.conftest import ANN, ask, screen


def test_somebody_at_the_phone_can_text(sandbox, app):
    status, headers, _ = ask(sandbox, "/phone/text", {"from": ALICE, "body": "I'm late", "quick": ""})
    sandbox.advance(0)

    assert (status, headers["Location"]) == (303, "/?with=%2B12025550143")
    assert app.calls[0].form["Body"] == "I'm late"


def test_a_quick_key_is_one_press(sandbox, app):
    ask(sandbox, "/phone/text", {"from": ALICE, "body": "half a sentence", "quick": "C"})
    sandbox.advance(0)

    assert [call.form["Body"] for call in app.calls] == ["C"]


def test_nothing_is_sent_without_words(sandbox, app):
    ask(sandbox, "/phone/text", {"from": ALICE, "body": "  "})
    sandbox.advance(0)

    assert app.calls == []


def test_what_is_not_a_number_cannot_text(sandbox):
    assert ask(sandbox, "/phone/text", {"from": "Alice", "body": "Hi"})[0] == 422


def test_a_mail_is_answered_to_where_it_asks(sandbox, mail, app):
    mail()
    ask(sandbox, "/phone/mail", {"from": ANN, "body": "Calmer.\r\nAnn"})
    sandbox.settle()

    call = app.heard("/sendgrid/inbound")[0]
    assert b'"to":["reply+abc234@inbound.practice.example"]' in call.body
    assert b"Calmer.\nAnn" in call.body
    assert "Re: A minute to look back" in screen(sandbox, ANN)


def test_unsubscribing_is_one_post_without_a_redirect(sandbox, mail, app):
    app.answer = lambda _call: (200, {}, b"")
    headers = {"List-Unsubscribe": f"<{app.url}/u/abc>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    name = mail(headers=headers).headers["X-Message-Id"]
    ask(sandbox, "/phone/unsubscribe", {"mail": f"{name}/0"})

    assert [(call.path, call.body) for call in app.calls] == [("/u/abc", b"List-Unsubscribe=One-Click")]
    assert "Unsubscribed" in screen(sandbox, ANN)


@pytest.mark.parametrize("headers", [{}, {"List-Unsubscribe": "<mailto:a@b.example>"}])
def test_without_both_headers_there_is_no_button(sandbox, mail, headers):
    name = mail(headers=headers).headers["X-Message-Id"]

    assert "Unsubscribe</button>" not in screen(sandbox, ANN)
    assert ask(sandbox, "/phone/unsubscribe", {"mail": f"{name}/0"})[0] == 404


def test_a_person_can_be_left_to_a_script(sandbox, text, app):
    text()
    ask(sandbox, "/phone/script", {"from": ALICE, "script": "coming"})
    text(body="Another one")
    sandbox.settle()

    assert [call.form["Body"] for call in app.heard("/inbound")] == ["C", "C"]
    ask(sandbox, "/phone/script", {"from": ALICE, "script": "hand"})
    text(body="And another")
    sandbox.settle()
    assert len(app.heard("/inbound")) == 2


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Host": "evil.example"},
    ],
)
@pytest.mark.parametrize(
    "path", ["/phone/text", "/phone/mail", "/phone/unsubscribe", "/phone/script", "/_sandbox/config"]
)
def test_another_page_cannot_write(sandbox, app, headers, path):
    status, _, _ = ask(sandbox, path, {"from": ALICE, "body": "C", "mail": "x", "script": "coming"}, **headers)
    sandbox.advance(0)

    assert status == 403
    assert app.calls == []


def test_our_own_page_can_write(sandbox, app):
    ask(sandbox, "/phone/text", {"from": ALICE, "body": "C"}, Origin=sandbox.url, Sec_Fetch_Site="same-origin")
    sandbox.advance(0)

    assert len(app.calls) == 1


def test_a_name_that_was_bent_to_this_machine_reads_nothing(sandbox, text):
    text()

    assert ask(sandbox, "/", Host="evil.example")[0] == 421
    assert ask(sandbox, "/_sandbox/ledger", Host="evil.example")[0] == 403
