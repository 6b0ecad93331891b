"""One's own account: the name, the password, and where one is signed in."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from service.flows import sign_ins, staffing
from service.models import AuditEntry, SignIn, Staff
from service.models.practice import Role
from tests.builders import NOW
from tests.stopped_clock import StoppedClock
from tests.web.conftest import EMAIL, PASSWORD, TOKEN

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; rv:133.0) Gecko/20100101 Firefox/133.0"
NEW = "eight loud green rivers"


@pytest.fixture
def clock_of_staff():
    return StoppedClock()


@pytest.fixture
def parts(parts, clock_of_staff):
    return replace(parts, machine_clock=clock_of_staff)


@pytest.fixture
def dana(parts):
    with parts.open_db() as db:
        return staffing.add_staff(db, EMAIL, "Dana Whitlock", Role.ADMIN, NOW, PASSWORD).id


@pytest.fixture
def here(app, dana):
    return signed_in(app)


def signed_in(app, agent=FIREFOX, password=PASSWORD):
    client = app.test_client()
    post(client, "/sign-in", {"email": EMAIL, "password": password}, headers={"User-Agent": agent})
    return client


def post(client, path, form, **named):
    token = TOKEN.search(client.get("/sign-in").text)
    return client.post(path, data={"csrf_token": token[1], **form}, **named)


def change(client, old=PASSWORD, new=NEW):
    return post(client, "/account/password", {"password": old, "new_password": new})


def is_in(client):
    return client.get("/account").status_code == 200


def test_the_account_names_each_browser_in_plain_words_and_says_which_one_is_this(app, here):
    signed_in(app, agent="Mozilla/5.0 (iPhone) Safari/604.1")
    page = here.get("/account").text

    assert "Firefox on Windows" in page
    assert "Safari on an iPhone" in page
    assert page.count("This one") == 1
    assert page.count('name="which"') == 2


def test_one_browser_can_be_ended(app, parts, here):
    other, third = signed_in(app), signed_in(app)
    with parts.read_db() as db:
        key = db.scalars(select(SignIn.id).where(SignIn.token_hash == sign_ins.hashed(cookie(other)))).one()
    post(here, "/account/devices", {"which": str(key)})

    assert [is_in(one) for one in (here, other, third)] == [True, False, True]


def cookie(client):
    return client.get_cookie("staff").value


def test_all_others_can_be_ended(app, here):
    others = [signed_in(app), signed_in(app)]
    page = post(here, "/account/devices", {"which": "others"}, follow_redirects=True).text

    assert [is_in(one) for one in (here, *others)] == [True, False, False]
    assert "2 browsers signed out." in page


@pytest.mark.parametrize("which", ["", "nonsense", "00000000-0000-0000-0000-000000000000"])
def test_a_browser_that_is_not_ones_own_stays_in(app, parts, here, which):
    with parts.open_db() as db:
        eve = staffing.add_staff(db, "eve@oak.example.org", "Eve", Role.ADMIN, NOW)
        token = sign_ins.start(db, eve.id, NOW)
        key = db.scalars(select(SignIn.id).where(SignIn.staff_id == eve.id)).one()
    theirs = app.test_client()
    theirs.set_cookie("staff", token)

    for one in (which, str(key)):
        assert post(here, "/account/devices", {"which": one}).status_code == 302
    assert is_in(theirs)


def test_a_browser_that_timed_out_is_not_on_the_list(app, here, clock_of_staff):
    signed_in(app, agent="Mozilla/5.0 (iPhone) Safari/604.1")
    for _ in range(2):
        clock_of_staff.go(minutes=10)
        here.get("/account")

    assert "iPhone" not in here.get("/account").text


def test_a_new_password_signs_every_other_browser_out_and_gives_this_one_a_new_token(app, here):
    other, before = signed_in(app), cookie(here)
    answer = change(here)

    assert (answer.status_code, answer.location) == (302, "/account")
    assert [is_in(here), is_in(other)] == [True, False]
    assert cookie(here) != before
    assert is_in(signed_in(app, password=NEW))


@pytest.mark.parametrize(
    ("old", "new", "field", "sentence"),
    [
        ("not my password", NEW, "password", "That is not your password."),
        ("", NEW, "password", "That is not your password."),
        (PASSWORD, "short", "new_password", "needs at least 15 characters"),
        (PASSWORD, "x" * 1_000_000, "new_password", "Use at most 256 characters"),
    ],
)
def test_what_is_wrong_with_a_new_password_stands_at_its_field(app, here, old, new, field, sentence):
    answer = change(here, old, new)

    assert answer.status_code == 422
    assert f'id="f-{field}-error"' in answer.text
    assert sentence in answer.text
    assert is_in(signed_in(app))


def test_being_signed_in_refused_and_signed_out_is_in_the_audit_and_found_by_its_filter(app, parts, here):
    other = signed_in(app)
    signed_in(app, password="another long password")
    post(here, "/account/devices", {"which": "others"})
    post(here, "/account/name", {"name": "Dana W"})
    post(other, "/sign-out", {})
    page = here.get("/settings/audit?what=sign-ins").text
    with parts.read_db() as db:
        rows = db.scalars(select(AuditEntry).order_by(AuditEntry.seq)).all()[1:]

    assert [row.action for row in rows if row.action != "staff renamed"] == [
        *("signed in", "signed in", "wrong password", "signed out elsewhere")
    ]
    assert "gave a wrong password" in page
    assert "ended 1 of their other sign-ins" in page
    assert "127.0.0.1" not in repr([vars(row) for row in rows])
    assert "gave a wrong password" not in here.get("/settings/audit?what=changes").text


def test_signing_out_is_in_the_audit(parts, here):
    post(here, "/sign-out", {})

    with parts.read_db() as db:
        assert db.scalars(select(AuditEntry.action).order_by(AuditEntry.seq.desc())).first() == "signed out"


def test_a_thief_at_an_open_browser_cannot_guess_the_password_either(here):
    tries = [change(here, "not my password").status_code for _ in range(11)]

    assert tries == [422] * 10 + [429]


def test_a_name_is_changed_and_that_is_kept(parts, here, dana):
    post(here, "/account/name", {"name": " Dana  Reed "})

    with parts.read_db() as db:
        assert db.get_one(Staff, dana).name == "Dana Reed"
        assert db.scalars(select(AuditEntry.action)).all()[-1] == "staff renamed"
    assert post(here, "/account/name", {"name": " "}).status_code == 422


def test_a_page_says_how_long_the_sign_in_lasts_and_staying_begins_it_anew(here, clock_of_staff):
    clock_of_staff.go(minutes=14)
    answer = post(here, "/account/stay", {})
    clock_of_staff.go(minutes=14)

    assert answer.json == {"seconds": 900}
    assert is_in(here)
