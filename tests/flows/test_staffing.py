from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from service.flows import links, passwords, sign_ins, staffing
from service.models import AuditEntry, Practice, Staff
from service.models.practice import Role
from tests import builders
from tests.builders import NOW

PASSWORD = "seven calm blue rivers"
EMAIL = "dana@oak.example.org"


def add(db, email=EMAIL, password=PASSWORD):
    return staffing.add_staff(db, email, "Dana", Role.ADMIN, NOW, password)


@pytest.mark.parametrize(
    "password",
    ["", "short", "elevenchars", "aaaaaaaaaaaaaaa", "abababababababab", "x" * 257, "P@ssw0rd!P@ssw0rd!"],
)
def test_a_password_that_is_easily_guessed_or_too_long_is_refused_in_words(password):
    assert passwords.problem(password).endswith(".")


@pytest.mark.parametrize("password", [PASSWORD, "🌳🌊🌙⭐🔥🌈🍀🐟🐦🐝🐞🦋🌵🍄🌻", "correct horse " * 15])
def test_any_other_password_will_do(password):
    assert passwords.problem(password) is None


@pytest.mark.parametrize("password", ["twelve chars", "пароль длинный"])
def test_twelve_characters_do_with_a_second_factor_and_fifteen_without(password):
    assert passwords.problem(password, has_second_factor=True) is None
    assert "at least 15" in passwords.problem(password)


def test_no_common_password_will_do_that_is_long_enough():
    common = [one for one in FREQUENCY_LISTS["passwords"] if len(one) >= passwords.SHORTEST]

    assert len(FREQUENCY_LISTS["passwords"]) > 10_000
    assert [one for one in common if passwords.problem(one, has_second_factor=True) != passwords.EASY] == []


@pytest.mark.parametrize(
    "password",
    ["danawhitlock1234", "WhitlockDana2026", "OakStreetPractice", "oak street practice", "dana@oak.example.org"],
)
def test_ones_own_name_and_address_and_the_practices_are_no_password(parts, password):
    with parts.open_db() as db:
        db.scalars(select(Practice)).one().name = "Oak Street Practice"
        staff = staffing.add_staff(db, EMAIL, "Dana Whitlock", Role.ADMIN, NOW)

        assert staffing.password_problem(db, staff, password) == passwords.EASY
        assert staffing.password_problem(db, staff, PASSWORD) is None


def test_one_address_is_one_account(parts):
    with parts.open_db() as db:
        add(db)

        with pytest.raises(staffing.AlreadyThere):
            add(db, EMAIL.upper())


def test_the_password_is_kept_as_argon2_with_at_least_owasps_cost(parts):
    with parts.open_db() as db:
        assert add(db).password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_a_token_lasts_a_quarter_of_an_hour_unused(parts):
    with parts.open_db() as db:
        staff = add(db)
        token = sign_ins.start(db, staff.id, NOW)
        known = [sign_ins.who(db, token, NOW + timedelta(minutes=minutes)) is not None for minutes in (0, 14, 16, 800)]

    assert known == [True, True, False, False]


def test_a_token_that_was_made_up_is_nobodys(parts):
    with parts.open_db() as db:
        assert sign_ins.who(db, "made up", NOW) is None


def test_a_link_of_another_purpose_sets_no_password(parts):
    with parts.open_db() as db:
        token = links.new_link(db, "message", None)

        assert links.follow(db, token, "password", NOW) is None


def test_the_database_holds_the_hash_of_a_link_alone(parts):
    with parts.open_db() as db:
        staff = add(db, password=None)
        token = staffing.password_link(db, staff, NOW)
        rows = db.connection().exec_driver_sql("SELECT * FROM links").all()

    assert token not in repr(rows)
    assert len(token) >= 22


def test_who_was_added_and_who_set_a_password_is_in_the_audit_log(parts):
    with parts.open_db() as db:
        staff = add(db, password=None)
        link = links.follow(db, staffing.password_link(db, staff, NOW), "password", NOW)
        staffing.set_password(db, link, PASSWORD, NOW)
        entries = db.scalars(select(AuditEntry)).all()

    assert [entry.action for entry in entries][-3:] == ["staff added", "password link made", "password set"]
    assert PASSWORD not in repr([vars(entry) for entry in entries])


def test_names_and_addresses_of_staff_are_kept_sealed(parts):
    with parts.open_db() as db:
        add(db)
    with parts.read_db() as db:
        rows = db.connection().exec_driver_sql("SELECT * FROM staff").all()
        assert db.scalars(select(Staff)).one().email == EMAIL

    assert EMAIL not in repr([[bytes(v) if isinstance(v, memoryview) else v for v in row] for row in rows])


def test_the_last_administrator_stays_whoever_asks(parts):
    with parts.open_db() as db:
        dana = add(db)
        for change in (
            staffing.disable,
            lambda *asked: staffing.change_role(asked[0], asked[1], Role.ONCALL, asked[2]),
        ):
            with pytest.raises(staffing.NotNow, match="last administrator"):
                change(db, dana, NOW)
        eve = add(db, "eve@oak.example.org")
        staffing.disable(db, eve, NOW)

        with pytest.raises(staffing.NotNow):
            staffing.disable(db, dana, NOW)


def test_of_two_administrators_who_end_each_other_at_once_one_stays(parts):
    with parts.open_db() as db:
        builders.practice(db)
        dana, eve = add(db).id, add(db, "eve@oak.example.org").id

    def end(who, by):
        with parts.open_db() as db:
            try:
                staffing.disable(db, db.get_one(Staff, who), NOW, by)
            except staffing.NotNow:
                return False
            return True

    with ThreadPoolExecutor(2) as pool:
        ended = list(pool.map(end, (dana, eve), (eve, dana)))

    assert sorted(ended) == [False, True]


def test_whoever_is_listed_shows_when_they_signed_in_last_and_how_many_groups_they_lead(parts):
    with parts.open_db() as db:
        dana, gone = add(db), add(db, "eve@oak.example.org")
        staffing.disable(db, gone, NOW)
        builders.group(db).facilitator_id = dana.id
        sign_ins.start(db, dana.id, NOW)
        sign_ins.start(db, dana.id, NOW + timedelta(hours=1))
        listed = staffing.everybody(db)

    assert [(one.staff.id, one.signed_in_at, one.leads) for one in listed] == [
        (dana.id, NOW + timedelta(hours=1), 1),
        (gone.id, None, 0),
    ]
