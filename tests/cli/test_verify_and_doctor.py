"""The ledgers are verified, the doctor looks, and members are erased, on the command line."""

import io
from datetime import timedelta

import pytest
from sqlalchemy import select

from service.database import opener
from service.flows import heads, second_factor, sign_ins
from service.models import AuditEntry, Delivery, ProviderCopy, Staff
from service.models.second_factors import Factor
from service.rules.lifecycle import State
from tests.builders import NOW, on_sqlite


def test_audit_verify_says_how_many_rows_hold(installed, filled):
    ran = installed("audit", "verify")

    assert (ran.code, ran.out.splitlines()[:2]) == (
        0,
        ["5 consents, each as it was written", "0 audit entries, each as it was written"],
    )
    assert ran.out.splitlines()[2].endswith("ledger-heads: nothing noted yet")


@on_sqlite
def test_audit_verify_and_the_doctor_find_the_end_that_was_cut_off(installed, filled, engine, data_dir):
    with opener(engine)() as db:
        heads.note(db, data_dir, NOW.date())
    before = installed("audit", "verify")
    with engine.begin() as db:
        db.exec_driver_sql("DROP TRIGGER consents_no_delete")
        db.exec_driver_sql("DELETE FROM consents WHERE seq = 5")
    ran, doctor = installed("audit", "verify"), installed("doctor")

    assert (before.code, before.out.splitlines()[2].split(": ")[1]) == (0, "compared with 2027-01-04 to 2027-01-04")
    assert (ran.code, "row 5 stood there on 2027-01-04 and is gone" in ran.err) == (1, True)
    assert "MEND  ledgers: consents: row 5 stood there" in doctor.out


@on_sqlite
def test_audit_verify_and_the_doctor_name_the_first_row_that_was_changed(installed, filled, engine):
    with engine.begin() as db:
        db.exec_driver_sql("DROP TRIGGER consents_no_update")
        db.exec_driver_sql("UPDATE consents SET method = 'voice' WHERE seq = 2")
    ran, doctor = installed("audit", "verify"), installed("doctor")

    assert ran.code == 1
    assert "row 2 was changed after it was written" in ran.err
    assert "MEND  ledgers: consents: row 2 was changed" in doctor.out


@on_sqlite
def test_whoever_lost_their_phone_is_freed_of_their_second_factors_on_the_host(installed, engine):
    installed("staff", "add", "--email", "dana@oak.example.org", "--name", "Dana", "--role", "admin")
    with opener(engine)() as db:
        who = db.scalars(select(Staff)).one()
        second_factor.begin(db, who.id, Factor.APP, NOW)
        second_factor.confirm(db, second_factor.in_setup(db, who.id, Factor.APP, NOW), who, "", NOW)
        token = sign_ins.start(db, who.id, NOW)
    before = installed("doctor").out
    ran = installed("staff", "remove-factors", "--email", " Dana@oak.example.org ")
    unknown = installed("staff", "remove-factors", "--email", "eve@oak.example.org")

    assert (ran.code, ran.out.split(".")[0]) == (0, "1 removed")
    assert (unknown.code, unknown.err) == (1, "Nobody on the staff has this address.\n")
    assert "second factors: 0 of 1 administrators" in before
    assert "second factors: 1 of 1 administrators" in installed("doctor").out
    with opener(engine)() as db:
        assert sign_ins.who(db, token, NOW) is None
        assert db.scalars(select(AuditEntry.action).order_by(AuditEntry.seq.desc())).first() == "second factors removed"


@on_sqlite
def test_a_member_is_erased_once(filled, installed):
    told = installed("erase", filled.member, "--yes")
    again = installed("erase", filled.member, "--yes")

    assert (told.code, "waiting: 1" in told.out, "Only counts are left." in told.out) == (0, True, True)
    assert (again.code, "There is no such member." in again.err) == (1, True)
    assert installed("members", "--json").lines == []


@on_sqlite
def test_texts_that_the_provider_still_has_are_told_when_erasing_and_by_the_doctor(filled, installed, engine):
    with opener(engine)() as db:
        sent = db.scalars(select(Delivery)).first()
        sent.state, sent.provider_id, sent.body = State.DELIVERED, "SM1", "See you"
    erased = installed("erase", filled.member, "--yes")
    waits = installed("doctor")
    with opener(engine)() as db:
        copy = db.scalars(select(ProviderCopy)).one()
        copy.failing_since, copy.trouble = copy.since - timedelta(days=2), "Twilio 20003"

    assert "1 text of theirs is still at the text provider." in erased.out
    assert "ok    text provider: the words of 1 text wait to be blanked" in waits.out
    assert "MEND  text provider: the words of 1 text could not be blanked: Twilio 20003." in installed("doctor").out


@on_sqlite
def test_nobody_is_erased_without_being_asked_about(filled, installed, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert installed("erase", filled.member).code == 1
    assert len(installed("members", "--json").lines) == 1


@pytest.mark.parametrize(
    "words",
    [
        ("staff", "add", "--email", "ann@example.org", "--name", " ", "--role", "admin"),
        ("practice", "--name", ""),
        ("practice", "--sender", "a name that is far too long"),
        ("practice", "--sender", "Oak Recovery"),
        ("practice", "--phone", "123"),
    ],
)
def test_a_name_or_a_number_that_cannot_be_is_said_in_a_sentence(installed, words):
    before = installed("practice").out
    ran = installed(*words)

    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert ran.err.startswith(("Enter ", "Use at most 16 characters.", "“Recovery” tells"))
    assert installed("practice").out == before


def test_the_doctor_names_each_wrong_setting_once(cli, monkeypatch):
    monkeypatch.setenv("PORT", "nonsense")
    ran = cli("doctor")

    assert ran.code == 1
    assert ran.out.count("PORT must be a whole number") == 1
