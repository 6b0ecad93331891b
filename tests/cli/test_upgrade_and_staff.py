"""The database is brought up to date, and staff are added, on the command line."""

import pytest
from sqlalchemy import select

from service.database import opener
from service.models import Link, Staff
from tests.builders import on_sqlite


def test_an_empty_database_needs_nothing_but_upgrade(tmp_path, cli, data_dir, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{data_dir / 'fresh.db'}")

    assert (cli("upgrade").code, cli("upgrade").out) == (0, "The database is up to date.\n")
    assert cli("members", "--json").code == 0


@on_sqlite
def test_before_the_upgrade_each_command_says_what_to_do(cli, data_dir, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{data_dir / 'fresh.db'}")
    ran = cli("queue")

    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "The database is older than this version. Run `groupkeeper upgrade` first.\n"


@on_sqlite
def test_a_database_that_cannot_be_reached_is_one_sentence(cli, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:9/none?connect_timeout=2")
    ran = cli("queue")

    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert ran.err.startswith("The database cannot be reached.")


@on_sqlite
def test_bad_settings_are_all_named_and_end_with_2(cli, monkeypatch):
    monkeypatch.setenv("PORT", "x")
    monkeypatch.setenv("SENDER_RATE", "x")
    ran = cli("queue")

    assert ran.code == 2
    assert [line.split()[0] for line in ran.err.splitlines()[1:]] == ["PORT", "SENDER_RATE"]


@on_sqlite
def test_keys_that_are_none_end_with_2(cli, monkeypatch):
    monkeypatch.setenv("FIELD_KEYS", "x")

    assert cli("queue").code == 2


@on_sqlite
@pytest.mark.parametrize(
    "arguments",
    [["nonsense"], ["queue", "--days", "x"], ["queue", "--days", "0"], ["log", "--since", "monday"], ["import"]],
)
def test_wrong_usage_ends_with_2_and_says_what_is_right(installed, arguments):
    ran = installed(*arguments)

    assert ran.code == 2
    assert "Traceback" not in ran.err


def test_a_member_of_staff_is_added_with_a_link_to_set_the_password(installed, engine):
    ran = installed("staff", "add", "--email", "Lee@Oak.example.org", "--name", "Lee", "--role", "admin")

    assert ran.code == 0
    assert ran.out.startswith("http://127.0.0.1:8000/password/")
    with opener(engine)() as db:
        assert db.scalars(select(Staff)).one().email == "lee@oak.example.org"
        assert db.scalars(select(Link)).one().purpose == "password"


@on_sqlite
def test_staff_who_are_there_already_are_one_sentence(installed):
    add = ("staff", "add", "--email", "lee@oak.example.org", "--name", "Lee", "--role", "admin")
    installed(*add)
    ran = installed(*add)

    assert (ran.code, ran.err) == (1, "Somebody on the staff has this address already.\n")


@on_sqlite
def test_an_address_that_is_none_is_one_sentence(installed):
    ran = installed("staff", "add", "--email", "lee", "--name", "Lee", "--role", "admin")

    assert (ran.code, ran.err.count("\n"), "Traceback" in ran.err) == (1, 1, False)
