"""What every transaction can rely on: a connection that works, and its turn to write."""

import fcntl
import threading

import pytest
from sqlalchemy import event, select, text

from service import database
from service.database import connect, opener
from service.models import Practice
from tests import builders


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_connection_that_the_server_has_ended_is_not_used_again(database_url):
    engine = connect(database_url)
    open_db = opener(engine)
    with open_db() as db:
        ended = db.scalar(text("select pg_backend_pid()"))
    others = connect(database_url)
    with others.connect() as other:
        other.execute(text("select pg_terminate_backend(:pid, 2000)"), {"pid": ended})
    with open_db() as db:
        assert db.scalar(text("select pg_backend_pid()")) != ended
    engine.dispose()
    others.dispose()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_transaction_asks_the_server_nothing_of_its_own(parts, engine):
    asked = []

    def note(connection, cursor, statement, *_):
        asked.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    with parts.open_db() as db:
        db.scalars(select(Practice)).all()

    event.remove(engine, "before_cursor_execute", note)

    assert len(asked) == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_writers_go_one_at_a_time_also_of_two_that_share_nothing_but_the_file(parts, engine):
    inside, most = [], []
    theirs = connect(str(engine.url))
    others = opener(theirs)

    def write(open_db):
        for _ in range(20):
            with open_db() as db:
                inside.append(1)
                most.append(len(inside))
                builders.member(db)
                inside.pop()

    writers = [threading.Thread(target=write, args=(one,)) for one in (parts.open_db, others, others)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    theirs.dispose()

    assert (len(most), max(most)) == (60, 1)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_process_that_is_frozen_with_the_turn_is_not_waited_for_for_ever(parts, engine, monkeypatch):
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.1)
    with open(f"{engine.url.database}-turn", "w") as frozen:
        fcntl.flock(frozen, fcntl.LOCK_EX)
        with parts.open_db() as db:
            builders.member(db)
