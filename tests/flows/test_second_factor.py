"""Authenticator apps and recovery codes: what is set up, what is taken, and what is used up."""

from datetime import timedelta

import pyotp
import pytest
from sqlalchemy import select

from service.flows import recovery, second_factor, staffing
from service.models import AuditEntry, SecondFactor, Staff
from service.models.practice import Role
from service.models.second_factors import Factor
from tests.builders import NOW

HALF_MINUTE = timedelta(seconds=30)


def person(db, role=Role.ADMIN, email="dana@oak.example.org"):
    return staffing.add_staff(db, email, "Dana", role, NOW, "seven calm blue rivers")


def app_of(db, who, at=NOW):
    """An app that is set up, and used last half an hour ago; and the recovery codes."""
    second_factor.begin(db, who.id, Factor.APP, at)
    made = second_factor.in_setup(db, who.id, Factor.APP, at)
    codes = second_factor.confirm(db, made, who, "", at)
    return made, codes


def shows(app, at):
    return pyotp.TOTP(app.seed).at(at)


@pytest.mark.parametrize(("skew", "is_taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_phone_whose_clock_is_half_a_minute_off_is_understood_and_no_more(parts, skew, is_taken):
    with parts.open_db() as db:
        app, _ = app_of(db, person(db))

        assert second_factor.takes(app, shows(app, NOW + skew * HALF_MINUTE), NOW) is is_taken


def test_a_code_is_taken_once(parts):
    with parts.open_db() as db:
        app, _ = app_of(db, person(db))
        code = shows(app, NOW)
        answers = [second_factor.takes(app, code, NOW + timedelta(seconds=n)) for n in (0, 1, 20)]

    assert answers == [True, False, False]


def test_what_was_shown_before_a_code_that_was_taken_is_used_up_too(parts):
    with parts.open_db() as db:
        app, _ = app_of(db, person(db))
        second_factor.takes(app, shows(app, NOW), NOW)

        assert not second_factor.takes(app, shows(app, NOW - HALF_MINUTE), NOW)
        assert second_factor.takes(app, shows(app, NOW + HALF_MINUTE), NOW + HALF_MINUTE)


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "x" * 10_000, "\0", "０００００0"])
def test_what_is_no_code_is_not_taken(parts, typed):
    with parts.open_db() as db:
        app, _ = app_of(db, person(db))

        assert not second_factor.takes(app, typed, NOW)


def test_a_code_may_be_typed_with_a_space(parts):
    with parts.open_db() as db:
        app, _ = app_of(db, person(db))
        code = shows(app, NOW)

        assert second_factor.takes(app, f" {code[:3]} {code[3:]} ", NOW)


def test_what_is_being_set_up_opens_nothing_and_is_gone_after_ten_minutes(parts):
    with parts.open_db() as db:
        who = person(db)
        second_factor.begin(db, who.id, Factor.APP, NOW)

        assert not second_factor.has_any(db, who.id)
        assert second_factor.in_setup(db, who.id, Factor.APP, NOW + timedelta(minutes=9)) is not None
        assert second_factor.in_setup(db, who.id, Factor.APP, NOW + timedelta(minutes=10)) is None


def test_beginning_anew_forgets_the_seed_before(parts):
    with parts.open_db() as db:
        who = person(db)
        second_factor.begin(db, who.id, Factor.APP, NOW)
        first = second_factor.in_setup(db, who.id, Factor.APP, NOW).seed
        second_factor.begin(db, who.id, Factor.APP, NOW)

        assert [row.seed != first for row in db.scalars(select(SecondFactor))] == [True]


def test_the_seed_is_kept_sealed_and_the_codes_hashed(parts):
    with parts.open_db() as db:
        app, codes = app_of(db, person(db))
        raw = [
            bytes(value) if isinstance(value, memoryview) else value
            for table in ("second_factors", "recovery_codes", "audit_entries")
            for row in db.connection().exec_driver_sql(f"SELECT * FROM {table}")
            for value in row
        ]

    assert [
        found for found in (app.seed, *codes, *(code.replace(" ", "") for code in codes)) if found in repr(raw)
    ] == []
    assert repr(raw).count("$argon2id$") == 10


def test_ten_recovery_codes_come_with_the_first_factor_and_not_with_the_next(parts):
    with parts.open_db() as db:
        who = person(db)
        _, codes = app_of(db, who)
        _, more = app_of(db, who)

    assert (len(set(codes)), more) == (10, [])
    assert {len(code.replace(" ", "")) for code in codes} == {12}


def test_a_recovery_code_works_once_however_it_is_typed(parts):
    with parts.open_db() as db:
        who = person(db)
        _, codes = app_of(db, who)
        typed = codes[3].lower().replace(" ", "-")
        answers = [recovery.take(db, who, typed, NOW), recovery.take(db, who, codes[3], NOW)]

        assert answers == [True, False]
        assert recovery.left(db, who.id) == 9


def test_anothers_recovery_code_opens_nothing(parts):
    with parts.open_db() as db:
        _, codes = app_of(db, person(db))
        other = person(db, email="lee@oak.example.org")
        app_of(db, other)

        assert not recovery.take(db, other, codes[0], NOW)


def test_new_recovery_codes_end_the_ones_before(parts):
    with parts.open_db() as db:
        who = person(db)
        _, codes = app_of(db, who)
        new = recovery.renew(db, who, NOW)

        assert not recovery.take(db, who, codes[0], NOW)
        assert recovery.take(db, who, new[0], NOW)
        assert recovery.left(db, who.id) == 9


def test_the_recovery_codes_go_with_the_last_factor(parts):
    with parts.open_db() as db:
        who = person(db)
        one, _ = app_of(db, who)
        two, _ = app_of(db, who)
        second_factor.remove(db, one, who, NOW, is_live=True)
        left = recovery.left(db, who.id)
        second_factor.remove(db, two, who, NOW, is_live=False)

        assert (left, recovery.left(db, who.id), second_factor.has_any(db, who.id)) == (10, 0, False)


@pytest.mark.parametrize("role", list(Role))
def test_whoever_reads_replies_keeps_one_while_the_practice_is_live(parts, role):
    with parts.open_db() as db:
        who = person(db, role)
        owed = second_factor.is_owed(db, who, is_live=True)
        app, _ = app_of(db, who)
        must = role in (Role.ADMIN, Role.FACILITATOR)

        assert owed is must
        assert not second_factor.is_owed(db, who, is_live=True)
        if must:
            with pytest.raises(second_factor.LastOne):
                second_factor.remove(db, app, who, NOW, is_live=True)
        else:
            second_factor.remove(db, app, who, NOW, is_live=True)


def test_in_practice_mode_nobody_owes_one(parts):
    with parts.open_db() as db:
        assert not second_factor.is_owed(db, person(db), is_live=False)


def test_how_many_lack_one_counts_those_who_must_and_are_still_there(parts):
    with parts.open_db() as db:
        app_of(db, person(db))
        person(db, Role.FACILITATOR, "lee@oak.example.org")
        person(db, Role.COORDINATOR, "cy@oak.example.org")
        person(db, Role.ADMIN, "gone@oak.example.org").disabled_at = NOW
        second_factor.begin(db, db.scalars(select(Staff.id)).first(), Factor.APP, NOW)

        assert second_factor.lacking(db) == (1, 2)


def test_what_was_added_removed_and_used_is_in_the_audit_log(parts):
    with parts.open_db() as db:
        who = person(db)
        app, codes = app_of(db, who)
        recovery.take(db, who, codes[0], NOW)
        second_factor.remove(db, app, who, NOW, is_live=False)
        app_of(db, who)
        second_factor.remove_all(db, who, NOW)
        told = db.scalars(select(AuditEntry).order_by(AuditEntry.seq)).all()

    assert [row.action for row in told][1:] == [
        "second factor added",
        "recovery codes made",
        "recovery code used",
        "second factor removed",
        "second factor added",
        "recovery codes made",
        "second factors removed",
    ]
    assert (told[-1].staff_id, told[-1].details) == (None, {"count": 1})
