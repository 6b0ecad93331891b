import shutil
import threading
from datetime import UTC, datetime

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError

from service import upgrade as upgrading
from service.database import connect
from service.flows.audit import audit
from service.flows.ledger import hash_of
from service.models import AuditEntry, Base, Consent, Delivery, DeliveryEvent, Group, Practice
from service.models.base import time_ordered_uuid, uuid7
from service.models.groups import GroupSession
from service.rules.lifecycle import State
from service.upgrade import WrongVersion, check, upgrade
from tests import builders, postgres
from tests.builders import NOW

APPEND_ONLY = ["consents", "audit_entries", "delivery_events"]


@pytest.fixture
def filled(parts):
    """A row in each table that is only ever added to."""
    with parts.open_db() as db:
        made = builders.scene(db)
        db.get_one(Delivery, made.delivery).move(db, State.SENDING, NOW, by="worker")
        audit(db, None, "tested", db.get_one(Group, made.group), NOW)


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("change", ["UPDATE {} SET seq = seq + 1000", "DELETE FROM {}"])
def test_what_is_only_added_to_can_be_neither_changed_nor_taken_away(parts, filled, table, change):
    def spoil():
        with parts.open_db() as db:
            db.execute(text(change.format(table)))

    with pytest.raises(DBAPIError, match="append-only"):
        spoil()


@pytest.mark.parametrize("row_type", [Consent, AuditEntry, DeliveryEvent])
def test_not_even_we_change_what_is_only_added_to(parts, filled, row_type):
    def spoil():
        with parts.open_db() as db:
            row = db.scalars(select(row_type)).first()
            setattr(row, "at" if hasattr(row, "at") else "occurred_at", NOW.replace(year=2020))

    with pytest.raises(DBAPIError, match="append-only"):
        spoil()


def test_each_consent_holds_the_hash_of_the_one_before_it(parts):
    with parts.open_db() as db:
        for _ in range(3):
            builders.member(db)
    with parts.read_db() as db:
        rows = db.scalars(select(Consent).order_by(Consent.seq)).all()

    assert [row.previous_hash for row in rows] == ["0" * 64] + [row.hash for row in rows[:-1]]
    assert [hash_of(row) for row in rows] == [row.hash for row in rows]


def test_consents_that_are_added_at_once_follow_each_other(parts):
    with parts.open_db() as db:
        people = [builders.member(db, agrees=()) for _ in range(4)]

    def agree(who):
        with parts.open_db() as db:
            builders.agree(db, who)

    threads = [threading.Thread(target=agree, args=(who,)) for who in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with parts.read_db() as db:
        rows = db.scalars(select(Consent).order_by(Consent.seq)).all()

    assert len(rows) == 20
    assert [row.previous_hash for row in rows[1:]] == [row.hash for row in rows[:-1]]


def test_the_models_are_what_the_migrations_make(engine):
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})

        assert compare_metadata(context, Base.metadata) == []


def test_the_database_refuses_a_state_that_there_is_not(parts):
    with parts.open_db() as db:
        made = builders.scene(db)

    def spoil():
        with parts.open_db() as db:
            db.execute(text("UPDATE deliveries SET state = 'lost' WHERE id IS NOT NULL"))

    with pytest.raises(IntegrityError):
        spoil()
    assert made


def test_foreign_keys_are_kept(parts):
    def spoil():
        with parts.open_db() as db:
            who = builders.member(db)
            builders.delivery(db, who, rule_id=uuid7())

    with pytest.raises(IntegrityError):
        spoil()


def test_a_time_without_a_zone_cannot_be_stored(parts):
    def spoil():
        with parts.open_db() as db:
            builders.session(db, builders.group(db), datetime(2027, 1, 7, 18, 30))  # noqa: DTZ001

    with pytest.raises(StatementError, match="zone"):
        spoil()


def test_a_time_comes_back_in_utc_whatever_the_servers_zone(parts):
    with parts.open_db() as db:
        builders.session(db, builders.group(db), builders.local("2027-07-07 18:30"))
    with parts.read_db() as db:
        starts_at = db.scalars(select(GroupSession.starts_at)).one()

    assert (starts_at, starts_at.tzinfo) == (datetime(2027, 7, 7, 22, 30, tzinfo=UTC), UTC)


def test_times_sort_as_they_passed(parts):
    moments = [NOW.replace(microsecond=n) for n in (0, 1, 999_999)] + [NOW.replace(second=1)]
    with parts.open_db() as db:
        place = builders.group(db)
        for moment in reversed(moments):
            builders.session(db, place, moment)
        found = list(db.scalars(select(GroupSession.starts_at).order_by(GroupSession.starts_at)))

    assert found == moments


def test_an_id_sorts_by_its_time():
    ids = [time_ordered_uuid(millis, 2**80 - 1 - millis) for millis in range(5)]

    assert sorted(ids) == ids
    assert {(one.version, one.variant) for one in ids} == {(7, "specified in RFC 4122")}


@pytest.fixture
def empty_url(request, data_dir):
    """An empty database of the same kind as the other fixtures'."""
    if request.param == "sqlite":
        return f"sqlite:///{data_dir / 'empty.db'}"
    name = f"groupkeeper_empty_{request.getfixturevalue('worker_name')}"
    return postgres.create_empty_database(request.getfixturevalue("postgres_server"), name)


both = pytest.mark.parametrize("empty_url", ["sqlite", "postgresql"], indirect=True)


@both
def test_an_empty_database_is_brought_to_this_version(empty_url, data_dir):
    engine = connect(empty_url)
    upgrade(engine, data_dir)
    upgrade(engine, data_dir)
    check(engine)

    assert set(inspect(engine).get_table_names()) == {*Base.metadata.tables, "alembic_version"}
    engine.dispose()


@both
def test_two_who_upgrade_at_once_do_it_once(empty_url, data_dir):
    errors = []

    def work():
        engine = connect(empty_url)
        try:
            upgrade(engine, data_dir)
        except Exception as error:
            errors.append(error)
        engine.dispose()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []


@both
def test_an_older_database_is_named_in_one_sentence(empty_url):
    engine = connect(empty_url)
    with pytest.raises(WrongVersion, match="Run `groupkeeper upgrade` first"):
        check(engine)
    engine.dispose()


@both
@pytest.mark.parametrize("act", [check, lambda engine: upgrade(engine, upgrading.Path("/tmp"))])
def test_a_newer_database_is_refused_in_one_sentence(empty_url, act):
    engine = connect(empty_url)
    with engine.begin() as db:
        db.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        db.exec_driver_sql("INSERT INTO alembic_version VALUES ('9999')")
    with pytest.raises(WrongVersion, match="newer version of Groupkeeper"):
        act(engine)
    engine.dispose()


@both
def test_an_upgrade_that_fails_leaves_nothing_behind(empty_url, data_dir, monkeypatch):
    monkeypatch.setattr("service.migrations.append_only", lambda table: 1 / 0)
    engine = connect(empty_url)
    with pytest.raises(ZeroDivisionError):
        upgrade(engine, data_dir)

    assert [name for name in inspect(engine).get_table_names() if name != "alembic_version"] == []
    engine.dispose()


def test_there_is_one_practice(parts):
    with parts.open_db() as db:
        builders.practice(db)

        assert len(db.scalars(select(Practice)).all()) == 1


@builders.on_sqlite
def test_two_writers_on_sqlite_wait_for_each_other(parts):
    errors = []

    def work(number):
        try:
            for step in range(5):
                with parts.open_db() as db:
                    db.scalars(select(Group)).all()
                    builders.group(db, f"{number} {step}")
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []


@builders.on_sqlite
def test_a_reader_on_sqlite_holds_up_no_writer(parts):
    with parts.read_db() as reader:
        reader.scalars(select(Group)).all()
        with parts.open_db() as writer:
            builders.group(writer)

    assert shutil
