"""People who answer by themselves."""

import pytest

ALICE = "+12025550143"
ANN = "ann@example.sandbox.test"


def bodies(app) -> list[str]:
    return [call.form["Body"] for call in app.heard("/twilio/inbound")]


def test_nobody_answers_unasked(sandbox, text, mail, app):
    text()
    mail()
    sandbox.settle()

    assert app.heard("/inbound") == []


def test_a_person_answers_after_a_while(sandbox, text, app):
    sandbox.post("people", {"number": ALICE, "behaviour": {"kind": "reply", "words": "C", "after": 60}})
    text()
    sandbox.settle()

    assert bodies(app) == ["C"]
    said = next(row for row in sandbox.get("ledger")["said"] if row["who"] == "person")
    delivered = next(row for row in sandbox.get("ledger")["state_changes"] if row["status"] == "delivered")
    assert said["t_virtual"] - delivered["t_virtual"] == pytest.approx(60, abs=0.01)


def test_a_person_texts_stop(sandbox, text, app):
    sandbox.post("people", {"number": ALICE, "behaviour": "stop"})
    text()
    sandbox.settle()

    assert bodies(app) == ["STOP"]
    assert sandbox.get("state")["blocked"][0][1] == ALICE


@pytest.mark.parametrize(("number", "words"), [("9010", ["YES"]), ("9011", ["STOP"])])
def test_some_numbers_answer_by_themselves(sandbox, text, app, number, words):
    text(f"+1500555{number}")
    sandbox.settle()

    assert bodies(app) == words


@pytest.mark.parametrize(
    ("style", "mark"),
    [("gmail", b"wrote:\r\n"), ("outlook", b"From: Riverside"), ("apple", b"> On Nov 12"), ("none", b"Calmer.")],
)
def test_a_mail_is_answered_with_a_quote_of_the_persons_own_program(sandbox, mail, app, style, mark):
    behaviour = {"kind": "reply", "words": "Calmer.", "style": style}
    sandbox.post("people", {"email": ANN, "behaviour": behaviour})
    mail()
    sandbox.settle()

    call = app.heard("/sendgrid/inbound")[0]
    assert b'{"to":["reply+abc234@inbound.practice.example"]' in call.body
    assert b"Calmer." in call.body
    assert mark.strip() in call.body


def test_an_out_of_office_note_says_that_a_program_wrote_it(sandbox, mail, app):
    mail("oof@away.sandbox.test")
    sandbox.settle()

    assert b"Auto-Submitted: auto-replied" in app.heard("/sendgrid/inbound")[0].body


@pytest.mark.parametrize(("kind", "event"), [("open", "open"), ("spam", "spamreport"), ("bounce", "bounce")])
def test_a_mailbox_can_do_things_later(sandbox, mail, app, kind, event):
    sandbox.post("people", {"email": ANN, "behaviour": kind})
    mail()
    sandbox.settle()

    assert event in [one["event"] for call in app.heard("/events") for one in call.events]


@pytest.mark.parametrize(
    "told",
    [
        {"number": ALICE},
        {"behaviour": "stop"},
        {"number": ALICE, "behaviour": "dances"},
        {"number": ALICE, "behaviour": {"x": 1}},
    ],
)
def test_a_behaviour_that_makes_no_sense_is_refused(sandbox, told):
    assert sandbox.refusal("POST", "people", told)
