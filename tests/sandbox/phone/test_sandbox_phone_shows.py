"""The on-screen phone, without a browser: what it shows, on whose clock, and how safely."""

import base64
import re
from urllib.parse import urlencode

import pytest

from tests.sandbox.conftest import ALICE, BEN
from tests.sandbox.phone.conftest import ANN, ask, screen


def test_an_empty_phone_says_what_will_come(sandbox):
    assert "Nobody has been messaged yet" in screen(sandbox)


def test_people_are_listed_the_latest_first_without_their_numbers(sandbox, text):
    text(ALICE)
    text(BEN)
    names = re.findall(r"<strong>(.*?)</strong>", screen(sandbox))

    assert names == ["Phone ending 87", "Phone ending 43"]


def test_two_people_with_the_same_last_digits_are_told_apart(sandbox, text):
    text(ALICE)
    text("+12025551143")

    assert re.findall(r"<strong>(.*?)</strong>", screen(sandbox)) == ["Phone ending 1143", "Phone ending 0143"]


def test_a_conversation_is_in_the_order_of_what_was_said(sandbox, text, app):
    app.answer = lambda call: (
        (200, {"Content-Type": "text/xml"}, b"<Response><Message>Thank you.</Message></Response>")
        if "inbound" in call.path
        else (204, {}, b"")
    )
    text(body="Are you coming?")
    sandbox.settle()
    sandbox.post("inbound/sms", {"from": ALICE, "body": "C"})
    sandbox.settle()
    sandbox.advance(60)
    sandbox.post("inbound/sms", {"from": ALICE, "body": "STOP"})
    sandbox.settle()
    words = re.findall(r'<p class="words">(.*?)</p>', screen(sandbox, ALICE))

    assert [one[:12] for one in words] == ["Are you comi", "C", "Thank you.", "STOP", "You have suc"]
    assert "sent by the carrier" in screen(sandbox, ALICE)


def test_the_state_and_segments_of_a_text_are_shown(sandbox, text):
    text("+15005553005", "x" * 200)
    sandbox.settle()

    assert "Not delivered (30005)</span> · 2 segments" in screen(sandbox, "+15005553005")


def test_what_the_application_did_not_hear_is_shown(sandbox, app):
    app.answer = lambda _call: (500, {}, b"")
    sandbox.post("inbound/sms", {"from": ALICE, "body": "C"})
    sandbox.settle()

    assert "the app answered 500" in screen(sandbox, ALICE)


def test_deleted_words_are_gone(sandbox, text, twilio):
    sent = text(body="Something private")
    sandbox.settle()
    twilio.messages(sent.sid).update(body="")

    assert "Something private" not in screen(sandbox, ALICE)
    assert "The words were deleted at the provider." in screen(sandbox, ALICE)


@pytest.mark.parametrize("hostile", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</title><b>"])
def test_everything_that_people_write_is_escaped(sandbox, text, mail, hostile):
    text(body=hostile)
    mail(subject=hostile, content=[{"type": "text/plain", "value": hostile}])
    sandbox.post("inbound/sms", {"from": BEN, "body": hostile})
    pages = screen(sandbox) + screen(sandbox, ALICE) + screen(sandbox, BEN) + screen(sandbox, ANN)
    pages += screen(sandbox, hostile)

    assert hostile not in pages


def test_only_web_addresses_become_links(sandbox, text):
    text(body="See https://a.example/x?y=1&z=2. Not javascript:alert(1)")
    shown = screen(sandbox, ALICE)

    assert '<a href="https://a.example/x?y=1&amp;z=2" target="_blank" rel="noreferrer noopener">' in shown
    assert 'href="javascript' not in shown


def test_the_page_may_run_nothing_but_its_own_script(sandbox):
    _, headers, body = ask(sandbox, "/")
    policy = headers["Content-Security-Policy"]

    assert "unsafe" not in policy
    assert "script-src 'self'" in policy
    assert not re.search(r"<script>|style=|\son\w+=", body)
    assert set(re.findall(r'(?:src|href)="(https?:[^"]*)"', body)) == set()


NIGHT = "2027-01-05T02:30:00Z"
"""In New York it is the evening before."""


def test_which_clock_it_is_stands_above_it(sandbox):
    sandbox.post("reset", {"now": NIGHT, "rate": 0})

    assert "Tue 5 Jan, 02:30 UTC" in screen(sandbox)


def test_a_link_to_it_says_whose_clock_counts_and_it_is_kept(sandbox, text):
    sandbox.post("reset", {"now": NIGHT, "rate": 0})
    text()
    _, headers, first = ask(sandbox, "/?zone=America/New_York")
    kept = headers["Set-Cookie"].partition(";")[0]
    _, _, later = ask(sandbox, f"/?{urlencode({'with': ALICE})}", Cookie=kept)

    assert "Mon 4 Jan, 21:30 New York time" in first
    assert "<span>Monday 4 January</span>" in later
    assert re.search(r'<time datetime="2027-01-05T02:30:0\dZ">21:30</time>', later)


@pytest.mark.parametrize("name", ["", "Nowhere/Land", "../../etc/passwd", "America", "x\r\nSet-Cookie: a=b", "é" * 300])
def test_a_clock_that_there_is_not_changes_nothing(sandbox, name):
    status, headers, body = ask(sandbox, f"/?{urlencode({'zone': name})}")

    assert (status, "Set-Cookie" in headers, " UTC" in body) == (200, False, True)
    assert ask(sandbox, "/", Cookie="phone_zone=Nowhere/Land")[0] == 200


def test_the_lock_screen_shows_forty_characters(sandbox, text):
    text(body="Your group meets tomorrow at 18:00 in Room 1, Elm Street.")

    assert "<q>Your group meets tomorrow at 18:00 in Ro…</q>" in screen(sandbox, ALICE)


def test_a_mail_shows_its_words_and_its_appointment(sandbox, mail):
    lines = ["BEGIN:VCALENDAR", "METHOD:PUBLISH", "BEGIN:VEVENT", "DTSTART;TZID=America/New_York:20260306T180000",
             "SUMMARY:Group\\, Tuesday", "LOCATION:Room 1", "END:VEVENT", "END:VCALENDAR"]  # fmt: skip
    content = "\r\n".join(lines).encode()
    one = {"content": base64.b64encode(content).decode(), "filename": "session.ics", "type": "text/calendar"}
    name = mail(attachments=[one]).headers["X-Message-Id"]
    shown = screen(sandbox, ANN)

    assert "Appointment: Group, Tuesday<small>6 March 2026, 18:00 America/New_York · Room 1</small>" in shown
    assert ask(sandbox, f"/phone/file/{name}/0/0")[2].encode() == content


def test_html_is_shown_in_a_frame_that_can_run_nothing(sandbox, mail):
    html = "<p style='color:red'>Hello</p><script>alert(1)</script>"
    parts = [{"type": "text/plain", "value": "Hello"}, {"type": "text/html", "value": html}]
    name = mail(content=parts).headers["X-Message-Id"]
    status, headers, body = ask(sandbox, f"/phone/mail/{name}/0")

    assert f'<iframe src="/phone/mail/{name}/0" sandbox="allow-popups' in screen(sandbox, ANN)
    assert (status, html in body) == (200, True)
    assert headers["Content-Security-Policy"].startswith("sandbox allow-popups")
    assert "script-src" not in headers["Content-Security-Policy"]


def test_the_page_is_sent_again_only_when_something_happened(sandbox, text):
    _, headers, _ = ask(sandbox, "/")
    tag = headers["ETag"]
    assert ask(sandbox, "/", If_None_Match=tag)[0] == 304
    text()

    assert ask(sandbox, "/", If_None_Match=tag)[0] == 200


@pytest.mark.parametrize("path", ["/static/phone.css", "/static/phone.js", "/static/icon.svg"])
def test_the_page_brings_its_own_files(sandbox, path):
    assert ask(sandbox, path)[0] == 200


@pytest.mark.parametrize("path", ["/static/none.css", "/static/..%2fpages.py", "/nowhere", "/phone/mail/x/0"])
def test_what_is_not_there_is_not_found(sandbox, path):
    assert ask(sandbox, path)[0] == 404
