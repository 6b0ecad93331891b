"""People mail us: what Inbound Parse posts, and how often."""

import base64
import io
import json

import pytest
from werkzeug.formparser import parse_form_data

from sandbox.sendgrid.letters import Letter, body, fields, multipart
from sandbox.sendgrid.signature import PUBLIC_KEY, SIGNATURE, TIMESTAMP, is_signed

US = "reply+abc234@inbound.practice.example"


def form_of(content: bytes, kind: str = "multipart/form-data; boundary=xYzZY"):
    told = {"REQUEST_METHOD": "POST", "CONTENT_TYPE": kind, "CONTENT_LENGTH": str(len(content))}
    _, form, files = parse_form_data({**told, "wsgi.input": io.BytesIO(content)}, lambda **_: io.BytesIO())
    return form, files


def letter_in(sandbox, **more) -> None:
    sandbox.post(
        "inbound/email", {"from": "ann@example.com", "to": US, "subject": "Re: Hello", "text": "Better.", **more}
    )


def test_a_mail_reaches_the_application_signed(sandbox, app):
    letter_in(sandbox)
    sandbox.settle()
    call = app.heard("/sendgrid/inbound")[0]
    form, _ = form_of(call.body)

    assert form["text"] == "Better."
    assert json.loads(form["envelope"]) == {"to": [US], "from": "ann@example.com"}
    assert is_signed(PUBLIC_KEY, call.headers[TIMESTAMP], call.body, call.headers[SIGNATURE])


def test_a_recorded_sample_is_rebuilt_byte_for_byte(samples_of_sendgrid_inbound_parse_samples):
    sample = samples_of_sendgrid_inbound_parse_samples
    raw = base64.b64decode(sample["raw_body_b64"])
    if sample["id"].startswith("sendgrid-python"):  # shipped with bare line feeds
        raw = raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n").rstrip() + b"\r\n"
    pieces = [piece.split(b"\r\n\r\n", 1) for piece in raw.split(b"--xYzZY\r\n")[1:]]
    found, files = [], []
    for head, content in pieces:
        value = content.removesuffix(b"--xYzZY--\r\n").removesuffix(b"\r\n")
        told = head.decode()
        name = told.split('name="')[1].split('"')[0]
        if "filename=" in told:
            files.append((name, told.split('filename="')[1].split('"')[0], told.split("Content-Type: ")[1], value))
        else:
            found.append((name, value))

    assert multipart(found, files) == raw


@pytest.mark.parametrize("sample", ["reply-gmail", "cc-group", "spam-high", "attachment", "no-html", "html-only"])
def test_our_fields_come_in_the_recorded_order(vectors, sample):
    recorded = next(one for one in vectors("sendgrid_inbound_parse_samples")["samples"] if one["id"] == sample)
    form, files = form_of(base64.b64decode(recorded["raw_body_b64"]))
    ours = Letter(
        "jo@example.com",
        US,
        text=form.get("text"),
        html=form.get("html"),
        cc=form.get("cc", ""),
        spam_score=form.get("spam_score", ""),
        attachments=tuple((one.filename, one.mimetype, b"") for one in files.values()),
    )

    # SendGrid tells of its spam check in every recorded post; we only when a letter has a score
    spam = {"spam_report", "spam_score"} if not ours.spam_score else set()
    assert [name for name, _ in fields(ours, "<a@b>", 0) if name != "content-ids"] == [
        name for name in form if name not in spam | {"content-ids"}
    ]


def test_a_sample_can_be_posted_as_it_was_recorded(sandbox, app, vectors):
    sandbox.post("inbound/email", {"sample": "latin1-text"})
    sandbox.settle()

    recorded = next(
        one for one in vectors("sendgrid_inbound_parse_samples")["samples"] if one["id"] == "latin1-text"
    )  # fmt: skip
    assert app.calls[0].body == base64.b64decode(recorded["raw_body_b64"])


def test_the_address_in_a_sample_can_be_ours(sandbox, app):
    told = {"sample": "reply-gmail", "replace": {"reply+v1.01JD8Z6Q0W.k3n4@inbound.example.org": US}}
    sandbox.post("inbound/email", told)
    sandbox.settle()

    assert json.loads(form_of(app.calls[0].body)[0]["envelope"])["to"] == [US]


def test_text_stays_in_its_charset():
    content = body(Letter("ann@example.com", US, text="Café", charset="iso-8859-1"), "<a@b>", 0)

    assert b"Caf\xe9" in content
    assert b'"text":"iso-8859-1"' in content


def test_raw_mode_has_the_whole_mail_in_one_field(sandbox, app):
    letter_in(sandbox, raw_mode=True)
    sandbox.settle()
    form, _ = form_of(app.calls[0].body)

    assert "text" not in form
    assert "Better." in form["email"]


def test_an_attachment_is_a_file(sandbox, app):
    one = {"filename": "note.txt", "type": "text/plain", "content": base64.b64encode(b"hi").decode()}
    letter_in(sandbox, attachments=[one])
    sandbox.settle()
    form, files = form_of(app.calls[0].body)

    assert (form["attachments"], files["attachment1"].read()) == ("1", b"hi")


def test_an_unsigned_mail_is_unsigned(sandbox, app):
    letter_in(sandbox, signed=False)
    sandbox.settle()

    assert SIGNATURE not in app.calls[0].headers


def test_trouble_is_tried_again_for_three_days(sandbox, app):
    app.answer = lambda _call: (500, {}, b"")
    letter_in(sandbox)
    sandbox.settle(ahead=400_000)

    assert len(app.calls) == 13


@pytest.mark.parametrize(("retries", "posts"), [(False, 1), (True, 2)])
def test_whether_a_400_is_tried_again_can_be_switched(sandbox, app, retries, posts):
    app.answer = lambda _call: (400 if len(app.calls) < 2 else 204, {}, b"")
    sandbox.post("config", {"retry_4xx": retries})
    letter_in(sandbox)
    sandbox.settle()

    assert len(app.calls) == posts


def test_what_is_too_large_for_us_is_lost(sandbox, app):
    app.answer = lambda _call: (413, {}, b"")
    letter_in(sandbox)
    sandbox.settle()

    assert "parse_lost" in sandbox.audit()


@pytest.mark.parametrize(
    ("fault", "check"),
    [
        ("parse_retry", lambda calls: len(calls) == 2 and calls[0].body == calls[1].body),
        ("parse_latin1", lambda calls: b'"text":"iso-8859-1"' in calls[0].body),
        ("parse_bad_charset", lambda calls: b"x-unknown-8bit" in calls[0].body),
        ("parse_600kb_text", lambda calls: len(calls[0].body) > 600_000),
        ("parse_40mb", lambda calls: len(calls[0].body) > 40_000_000),
        ("parse_unsigned", lambda calls: [SIGNATURE in call.headers for call in calls] == [False, True]),
        ("parse_spoofed", lambda calls: b"softfail" in calls[0].body),
    ],
)
def test_mail_can_come_in_every_planned_way(sandbox, app, fault, check):
    sandbox.fault(fault, times=1)
    letter_in(sandbox)
    sandbox.settle()

    assert check(app.calls)
