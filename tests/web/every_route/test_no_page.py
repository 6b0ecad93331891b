"""What is not there, too large or broken is said in words; what answers without a page, and over HTTPS."""

from dataclasses import replace
from uuid import UUID

import pytest

from service.app import create_app

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


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
