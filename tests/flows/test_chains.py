from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from service.flows import chains, heads
from service.flows.audit import audit
from service.flows.chains import verify
from service.flows.ledger import agree
from service.models import Group
from service.rules.consent import Channel, Purpose
from tests import builders
from tests.builders import NOW


@pytest.fixture
def written(parts):
    with parts.open_db() as db:
        builders.scene(db)
        builders.member(db, "Ben Cole", language="es")
        for action in ("one", "two", "three"):
            audit(db, None, action, db.query(Group).one(), NOW, count=3, mode="é")


def spoil(engine, table, statement):
    """As somebody would who has the database in their hands, and takes the triggers away first."""
    with engine.begin() as db:
        if engine.dialect.name == "postgresql":
            db.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER ALL"))
            db.execute(text(statement))
            db.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER ALL"))
            return
        triggers = db.execute(text(f"SELECT name, sql FROM sqlite_master WHERE type='trigger' AND tbl_name='{table}'"))
        kept = triggers.all()
        for name, _ in kept:
            db.execute(text(f"DROP TRIGGER {name}"))
        db.execute(text("PRAGMA defer_foreign_keys = ON"))
        db.execute(text(statement))
        for _, sql in kept:
            db.execute(text(sql))


def first_bad(parts):
    with parts.read_db() as db:
        return [chain.first_bad for chain in verify(db)]


def numbers(parts, table):
    """Those of its rows, in order: a sequence does not begin anew with each test."""
    with parts.read_db() as db:
        return db.scalars(text(f"SELECT seq FROM {table} ORDER BY seq")).all()


def test_what_is_as_it_was_written_holds(parts, written):
    with parts.read_db() as db:
        found = verify(db)

    assert [(chain.sound, chain.first_bad) for chain in found] == [(10, None), (3, None)]


@pytest.mark.parametrize("at_once", [1, 3, 5, 10])
def test_it_does_not_matter_how_many_rows_are_read_at_once(parts, written, monkeypatch, at_once):
    monkeypatch.setattr(chains, "AT_ONCE", at_once)

    with parts.read_db() as db:
        assert [chain.sound for chain in verify(db)] == [10, 3]


@pytest.mark.parametrize(
    "change",
    [
        "wording = 'I agree to everything'",
        "is_yes = NOT is_yes",
        "occurred_at = recorded_at - interval '1 day'",
        "method = 'voice'",
        "version = 'another'",
        "language = 'xx'",
        "proof_sealed = NULL",
        "purpose = 'measures'",
    ],
)
def test_a_consent_that_was_changed_is_named(parts, engine, written, change):
    if engine.dialect.name == "sqlite":
        change = change.replace("recorded_at - interval '1 day'", "'2020-01-01T00:00:00.000000+00:00'")
    changed = numbers(parts, "consents")[3]
    spoil(engine, "consents", f"UPDATE consents SET {change} WHERE seq = {changed}")

    assert first_bad(parts) == [changed, None]


def test_a_consent_that_is_missing_shows_in_the_one_after_it(parts, engine, written):
    missing, following = numbers(parts, "consents")[5:7]
    spoil(engine, "consents", f"DELETE FROM consents WHERE seq = {missing}")

    assert first_bad(parts) == [following, None]


def test_an_entry_of_the_audit_that_was_changed_is_named(parts, engine, written):
    changed = numbers(parts, "audit_entries")[1]
    spoil(engine, "audit_entries", f"UPDATE audit_entries SET action = 'nothing' WHERE seq = {changed}")

    assert first_bad(parts) == [None, changed]


def test_a_moment_in_another_zone_is_the_same_moment(parts):
    elsewhere = replace(builders.EVIDENCE, occurred_at=builders.local("2027-01-04 09:00"))
    with parts.open_db() as db:
        agree(db, builders.member(db, agrees=()), Channel.SMS, [Purpose.REMINDER], elsewhere, NOW)

    assert first_bad(parts) == [None, None]


# what is cut off at the end


TODAY = NOW.date()


def noted(parts, data_dir, day=TODAY):
    with parts.read_db() as db:
        return heads.note(db, data_dir, day)


def cut(parts, data_dir):
    """What is said of each ledger."""
    with parts.read_db() as db:
        return [chain.wrong for chain in verify(db, heads.kept(data_dir))]


def add_entry(parts):
    with parts.open_db() as db:
        audit(db, None, "four", db.query(Group).one(), NOW)


@pytest.mark.parametrize(("table", "said"), [("consents", 0), ("audit_entries", 1)])
def test_a_ledger_whose_end_was_cut_off_shows_by_the_head_that_was_noted(parts, engine, written, data_dir, table, said):
    noted(parts, data_dir)
    last = numbers(parts, table)[-1]
    spoil(engine, table, f"DELETE FROM {table} WHERE seq = {last}")

    assert first_bad(parts) == [None, None]
    assert cut(parts, data_dir)[said] == f"stood there on {TODAY} and is gone: the end was cut off"
    assert cut(parts, data_dir)[1 - said] == ""


def test_a_ledger_that_was_written_anew_in_its_whole_shows_by_any_older_head(parts, engine, written, data_dir):
    noted(parts, data_dir)
    add_entry(parts)
    noted(parts, data_dir, TODAY + timedelta(days=1))
    spoil(engine, "audit_entries", "DELETE FROM audit_entries")
    for _ in range(5):
        add_entry(parts)

    assert first_bad(parts) == [None, None]
    assert "is gone" in cut(parts, data_dir)[1]


def test_what_grows_after_a_head_holds_and_a_day_has_one_head_of_each_ledger(parts, written, data_dir):
    first, again = noted(parts, data_dir), noted(parts, data_dir)
    add_entry(parts)
    tomorrow = noted(parts, data_dir, TODAY + timedelta(days=1))

    assert ([len(first), len(again), len(tomorrow)], cut(parts, data_dir)) == ([2, 0, 2], ["", ""])
    assert [head.day for head in heads.kept(data_dir)] == [TODAY] * 2 + [TODAY + timedelta(days=1)] * 2
    assert (data_dir / heads.FILE).stat().st_mode & 0o077 == 0


def test_without_a_file_or_with_half_a_line_nothing_is_compared(parts, written, data_dir):
    nothing = cut(parts, data_dir)
    noted(parts, data_dir)
    file = data_dir / heads.FILE
    file.write_text(file.read_text()[:-20])

    assert (nothing, len(heads.kept(data_dir)), cut(parts, data_dir)) == (["", ""], 1, ["", ""])
