"""Setting up a second factor, being asked for it, and who sees nothing else until they have one."""

import logging
import re
from dataclasses import replace

import pyotp
import pytest
from sqlalchemy import select

from service.app import create_app
from service.flows import second_factor, sign_ins, staffing
from service.models import AuditEntry, SecondFactor, SignIn, Staff
from service.models.practice import Role
from service.models.second_factors import Factor
from service.settings import Mode
from tests.builders import NOW, StoppedClock
from tests.web.conftest import EMAIL, PASSWORD, TOKEN

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

PAGE = "/account/second-factor"
CODES = re.compile(r"<li><code>([0-9A-Z ]{14})</code></li>")
HTTPS = "https://groups.example.org"


@pytest.fixture
def clock_of_staff():
    return StoppedClock()


@pytest.fixture
def parts(parts, clock_of_staff):
    return replace(parts, machine_clock=clock_of_staff)


@pytest.fixture
def live(parts):
    """The same practice, live."""
    return create_app(replace(parts, settings=replace(parts.settings, mode=Mode.LIVE, public_url=HTTPS)))


class Browser:
    """One that takes each form's token from the page before it, and knows its own host."""

    def __init__(self, app, base=None):
        self.client, self.base = app.test_client(), {"base_url": base} if base else {}

    def get(self, path, **named):
        return self.client.get(path, **self.base, **named)

    def post(self, path, **form):
        token = TOKEN.search(self.get("/sign-in", follow_redirects=True).text)[1]
        headers = {"Referer": self.base["base_url"] + "/"} if self.base else {}
        return self.client.post(path, data={"csrf_token": token, **form}, headers=headers, **self.base)

    def sign_in(self, **more):
        return self.post("/sign-in", email=EMAIL, password=PASSWORD, **more)

    def is_in(self):
        return self.get("/flags").status_code == 200

    def set_up(self, parts, at=NOW):
        self.post(f"{PAGE}/app")
        with parts.read_db() as db:
            seed = db.scalars(select(SecondFactor).where(SecondFactor.confirmed_at.is_(None))).one().seed
        page = self.post(f"{PAGE}/app/confirm", code=pyotp.TOTP(seed).at(at), label="Work phone")
        return seed, CODES.findall(page.text)


@pytest.fixture
def dana(parts):
    with parts.open_db() as db:
        return staffing.add_staff(db, EMAIL, "Dana", Role.ADMIN, NOW, PASSWORD).id


@pytest.fixture
def browser(app, dana):
    made = Browser(app)
    made.sign_in()
    return made


@pytest.fixture
def seed(parts, browser, clock_of_staff):
    """The seed of an app that is set up; the code that confirmed it is over."""
    made, _ = browser.set_up(parts)
    clock_of_staff.go(minutes=1)
    return made


def code(seed, clock):
    return pyotp.TOTP(seed).at(clock())


# setting up


def test_an_app_is_set_up_with_a_picture_a_typed_key_and_a_code(parts, browser):
    begun = browser.post(f"{PAGE}/app")
    page = browser.get(f"{PAGE}/app").text
    with parts.read_db() as db:
        seed = db.scalars(select(SecondFactor)).one().seed
    typed = " ".join(seed[at : at + 4] for at in range(0, 32, 4))

    assert (begun.status_code, begun.location) == (302, f"{PAGE}/app")
    assert "data:image/svg+xml" in page
    assert typed in page


def test_ten_recovery_codes_are_shown_once(parts, browser):
    _, codes = browser.set_up(parts)

    assert len(codes) == 10
    assert not CODES.search(browser.get(PAGE).text)
    assert "10 of 10 left" in browser.get(PAGE).text


def test_the_seed_is_in_no_page_log_or_audit_entry_once_it_is_set_up(parts, browser, caplog):
    caplog.set_level(logging.DEBUG)
    seed, codes = browser.set_up(parts)
    pages = "".join(browser.get(path, follow_redirects=True).text for path in (PAGE, f"{PAGE}/app", f"{PAGE}/passkey"))
    with parts.read_db() as db:
        entries = repr([vars(row) for row in db.scalars(select(AuditEntry))])
    told = pages + entries + "".join(f"{record.getMessage()} {record.args}" for record in caplog.records)
    fours = " ".join(seed[at : at + 4] for at in range(0, 32, 4))

    assert [one for one in (seed, fours, *codes) if one in told] == []


def test_looking_at_a_set_up_that_was_not_begun_leads_back(browser):
    assert browser.get(f"{PAGE}/app").location == PAGE
    assert browser.get(f"{PAGE}/passkey").location == PAGE


def test_a_wrong_first_code_is_said_at_its_field_and_the_picture_stays(parts, browser):
    browser.post(f"{PAGE}/app")
    before = browser.get(f"{PAGE}/app").text
    answer = browser.post(f"{PAGE}/app/confirm", code="000000x")

    assert answer.status_code == 422
    assert 'id="f-code-error"' in answer.text
    assert re.search(r'src="(data:[^"]+)"', answer.text)[1] in before


def test_a_set_up_lasts_ten_minutes(parts, browser, clock_of_staff):
    browser.post(f"{PAGE}/app")
    clock_of_staff.go(minutes=10)
    answer = browser.post(f"{PAGE}/app/confirm", code="123456")

    assert (answer.status_code, answer.location) == (302, PAGE)


def test_setting_one_up_signs_every_other_browser_out_and_gives_this_one_a_new_cookie(parts, app, browser):
    other = Browser(app)
    other.sign_in()
    before = browser.client.get_cookie("staff").value
    browser.set_up(parts)
    thief = Browser(app)
    thief.client.set_cookie("staff", before)

    assert (browser.is_in(), other.is_in(), thief.is_in()) == (True, False, False)


def test_a_name_that_is_too_long_does_not_use_the_code_up(parts, browser):
    browser.post(f"{PAGE}/app")
    with parts.read_db() as db:
        seed = db.scalars(select(SecondFactor)).one().seed
    now = pyotp.TOTP(seed).at(NOW)

    assert browser.post(f"{PAGE}/app/confirm", code=now, label="x" * 41).status_code == 422
    assert browser.post(f"{PAGE}/app/confirm", code=now, label="phone").status_code == 200


@pytest.mark.parametrize("path", ["/app", "/passkey", "/remove", "/codes"])
def test_whoever_signed_in_a_while_ago_gives_their_password_first(parts, browser, seed, clock_of_staff, path):
    with parts.read_db() as db:
        key = str(db.scalars(select(SecondFactor.id)).one())
    clock_of_staff.go(minutes=11)
    asked = browser.post(PAGE + path, factor=key)
    wrong = browser.post(PAGE + path, factor=key, proof_password="another long password")
    right = browser.post(PAGE + path, factor=key, proof_password=PASSWORD)

    assert (asked.status_code, wrong.status_code) == (401, 401)
    assert right.status_code in {200, 302}


def test_a_factor_is_removed_and_the_password_alone_signs_in_again(parts, app, browser, seed):
    with parts.read_db() as db:
        key = str(db.scalars(select(SecondFactor.id)).one())
    browser.post(f"{PAGE}/remove", factor=key)
    other = Browser(app)

    assert other.sign_in().location == "/"
    assert browser.is_in()


@pytest.mark.parametrize("key", ["", "nonsense", "00000000-0000-0000-0000-000000000000"])
def test_a_factor_that_is_not_there_is_not_removed(browser, seed, key):
    assert browser.post(f"{PAGE}/remove", factor=key).location == PAGE


def test_nobody_removes_anothers_factor(parts, browser):
    with parts.open_db() as db:
        other = staffing.add_staff(db, "lee@oak.example.org", "Lee", Role.ADMIN, NOW, PASSWORD)
        second_factor.begin(db, other.id, Factor.APP, NOW)
        made = second_factor.in_setup(db, other.id, Factor.APP, NOW)
        second_factor.confirm(db, made, other, "", NOW)
    browser.post(f"{PAGE}/remove", factor=str(made.id))

    with parts.read_db() as db:
        assert second_factor.has_any(db, other.id)


def test_a_passkey_is_offered_where_browsers_make_one(app, dana):
    """At localhost, or with https and a name."""
    here, by_number = Browser(app, "http://localhost:8000"), Browser(app, "http://127.0.0.1:8000")
    for made in (here, by_number):
        made.sign_in()

    assert "Set up a passkey" in here.get(PAGE).text
    assert "Set up a passkey" not in by_number.get(PAGE).text
    assert "http://localhost:8000" in by_number.get(PAGE).text


@pytest.mark.parametrize(
    "garbage", ["", "x", "{}", '{"id": "YQ", "rawId": "YQ", "type": "public-key", "response": {}}']
)
def test_what_is_no_passkey_is_not_kept(parts, browser, garbage):
    browser.post(f"{PAGE}/passkey")
    answer = browser.post(f"{PAGE}/passkey/confirm", credential=garbage)

    assert answer.status_code == 422
    with parts.read_db() as db:
        assert not db.scalars(select(SecondFactor).where(SecondFactor.confirmed_at.is_not(None))).all()


# signing in


def test_after_the_password_nobody_is_in_before_the_code(parts, app, seed, clock_of_staff):
    before = sign_ins_of(parts)
    other = Browser(app)
    answer = other.sign_in(next="/log")

    assert answer.location == "/sign-in/second?next=/log"
    assert other.client.get_cookie("staff") is None
    assert not other.is_in()
    assert sign_ins_of(parts) == before
    after = other.post("/sign-in/second/code", code=code(seed, clock_of_staff), next="/log")
    assert (after.location, other.is_in()) == ("/log", True)
    assert other.client.get_cookie("half-way") is None


def sign_ins_of(parts):
    with parts.read_db() as db:
        return len(db.scalars(select(SignIn)).all())


def test_a_wrong_code_is_said_at_its_field_and_the_fifth_ends_it(parts, app, seed):
    other = Browser(app)
    other.sign_in()
    answers = [other.post("/sign-in/second/code", code="000000x") for _ in range(5)]

    assert [answer.status_code for answer in answers] == [401] * 4 + [302]
    assert 'id="f-code-error"' in answers[0].text
    assert answers[4].location == "/sign-in"
    assert "Sign in again" in other.get("/sign-in").text


def test_the_code_that_set_the_app_up_signs_nobody_in(parts, app, browser):
    made, _ = browser.set_up(parts)
    other = Browser(app)
    other.sign_in()

    assert other.post("/sign-in/second/code", code=pyotp.TOTP(made).at(NOW)).status_code == 401


def test_five_minutes_later_the_password_is_asked_for_again(parts, app, seed, clock_of_staff):
    other = Browser(app)
    other.sign_in()
    clock_of_staff.go(minutes=5)

    assert other.get("/sign-in/second").location == "/sign-in"
    assert other.post("/sign-in/second/code", code=code(seed, clock_of_staff)).location == "/sign-in"


def test_a_recovery_code_signs_in_once_and_says_how_many_are_left(parts, app, browser):
    _, codes = browser.set_up(parts)
    answers = []
    for _ in range(2):
        other = Browser(app)
        other.sign_in()
        answers.append(other.post("/sign-in/second/recovery", recovery=codes[0].lower()))
        if answers[-1].status_code == 302:
            assert "9 recovery codes are left" in other.get("/").text

    assert [answer.status_code for answer in answers] == [302, 401]


def test_a_link_that_sets_a_password_does_not_go_around_the_code(parts, app, dana, seed):
    with parts.open_db() as db:
        token = staffing.password_link(db, db.get_one(Staff, dana), parts.machine_clock())
    other = Browser(app)
    answer = other.post(f"/password/{token}", password="eight loud green rivers")

    assert (answer.location, other.is_in()) == ("/sign-in/second", False)


@pytest.mark.parametrize("path", ["", "/code", "/recovery", "/passkey"])
def test_without_the_password_there_is_no_second_step(app, dana, path):
    stranger = Browser(app)
    answer = stranger.post(f"/sign-in/second{path}") if path else stranger.get("/sign-in/second")

    assert answer.location == "/sign-in"


def test_nobody_is_sent_elsewhere_after_the_code(app, seed, clock_of_staff):
    other = Browser(app)
    other.sign_in()
    answer = other.post("/sign-in/second/code", code=code(seed, clock_of_staff), next="https://evil.example")

    assert answer.location == "/"


# who must


def of_role(parts, dana, role):
    with parts.open_db() as db:
        db.get_one(Staff, dana).role = role


@pytest.mark.parametrize("role", [Role.ADMIN, Role.FACILITATOR])
def test_live_nothing_opens_to_whoever_reads_replies_until_they_have_one(parts, live, dana, role):
    of_role(parts, dana, role)
    made = Browser(live, HTTPS)
    made.sign_in()
    led = {path: made.get(path).location for path in ("/", "/groups", "/flags", "/log", "/replies")}
    page = made.get(PAGE)

    assert set(led.values()) == {PAGE}
    assert page.status_code == 200
    assert 'href="/groups"' not in page.text
    assert "Sign out" in page.text
    _, codes = made.set_up(parts)
    assert (len(codes), made.get("/groups").status_code) == (10, 200)


@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.ONCALL])
def test_live_others_may_do_without(parts, live, dana, role):
    of_role(parts, dana, role)
    made = Browser(live, HTTPS)
    made.sign_in()

    assert made.is_in()


def test_live_the_last_one_stays(parts, live, dana):
    made = Browser(live, HTTPS)
    made.sign_in()
    made.set_up(parts)
    with parts.read_db() as db:
        key = str(db.scalars(select(SecondFactor.id)).one())
    answer = made.post(f"{PAGE}/remove", factor=key)

    assert answer.status_code == 422
    assert "Add another first" in answer.text


def test_whose_factors_were_removed_on_the_host_sets_up_new_ones(parts, live, dana, clock_of_staff):
    made = Browser(live, HTTPS)
    made.sign_in()
    made.set_up(parts)
    with parts.open_db() as db:
        second_factor.remove_all(db, db.get_one(Staff, dana), clock_of_staff())
        sign_ins.end_all(db, dana, clock_of_staff())

    assert made.get("/groups").location.startswith("/sign-in")
    assert made.sign_in().location == "/"
    assert made.get("/").location == PAGE


def test_live_the_cookies_of_a_half_way_browser_are_bound_to_the_host(parts, live, dana, clock_of_staff):
    made = Browser(live, HTTPS)
    made.sign_in()
    made.set_up(parts)
    answer = Browser(live, HTTPS).sign_in()
    given = next(row for row in answer.headers.getlist("Set-Cookie") if "half-way" in row)

    assert given.startswith("__Host-half-way=")
    assert "Secure" in given
    assert "HttpOnly" in given


def test_in_practice_mode_it_is_offered_and_not_asked_for(browser):
    assert browser.get("/").status_code == 200
    assert f'href="{PAGE}"' in browser.get("/account").text


def test_the_checklist_says_how_many_lack_one(browser, parts):
    before = browser.get("/settings/providers").text
    browser.set_up(parts)

    assert "Still without it: 1 of 1" in before
    assert "Still without it" not in browser.get("/settings/providers").text
