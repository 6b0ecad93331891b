import os
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from service.flows.deliver import deliver, mark
from service.flows.reconcile import recall
from service.journal import Journal, Line, left_behind
from service.models import Delivery
from service.rules.lifecycle import State
from tests import builders


@pytest.fixture
def due(parts):
    with parts.open_db() as db:
        return builders.delivery(db, builders.member(db), builders.session(db, builders.group(db))).id


def read(parts, one):
    with parts.read_db() as db:
        return db.get_one(Delivery, one)


def marked(parts, post, one):
    with parts.open_db() as db:
        (sending,) = mark(db, [one], post)
    return sending


def heard_and_killed(data_dir: Path, sending, name="SM1"):
    """A worker heard from the provider, and was killed before it could write it down."""
    journal = Journal(data_dir)
    journal.note(Line(str(sending.delivery_id), sending.fence, name))
    journal.leave()


def test_what_a_lost_worker_had_heard_needs_not_be_asked(parts, post, due, data_dir):
    heard_and_killed(data_dir, marked(parts, post, due))

    assert recall(post) == 1
    assert (read(parts, due).state, read(parts, due).provider_id) == (State.ACCEPTED, "SM1")


def test_a_journal_that_was_read_is_gone(parts, post, due, data_dir):
    heard_and_killed(data_dir, marked(parts, post, due))
    recall(post)

    assert list(left_behind(data_dir)) == []


def test_the_journal_of_a_living_process_is_left_to_it(parts, post, due, data_dir):
    journal = Journal(data_dir)
    journal.note(Line(str(due), 1, "SM1"))

    assert list(left_behind(data_dir)) == []
    journal.done()


def test_a_journal_of_an_older_mark_says_nothing_about_this_one(parts, post, due, data_dir, clock):
    late = marked(parts, post, due)
    with parts.open_db() as db:
        row = db.get_one(Delivery, due)
        row.move(db, State.SCHEDULED, clock(), by="reconciler")
    marked(parts, post, due)
    heard_and_killed(data_dir, late)

    assert (recall(post), read(parts, due).state) == (0, State.SENDING)


def test_a_line_that_was_cut_off_and_one_of_nobody_are_passed_over(parts, post, due, data_dir):
    sending = marked(parts, post, due)
    heard_and_killed(data_dir, sending)
    (path,) = [path for path, _ in left_behind(data_dir)]
    with path.open("ab") as file:
        file.write(b'{"delivery_id": "01a2')

    assert recall(post) == 1


def test_after_a_round_nothing_is_left_on_the_disk(parts, post, due, data_dir):
    deliver(post, [due])

    assert os.listdir(data_dir / "journal") == []


def test_what_came_back_while_the_database_was_away_is_recorded_when_it_is_there(parts, post, due, engine, texts):
    failures = []

    def fail(*_):
        if failures:
            raise failures.pop()

    event.listen(engine, "before_cursor_execute", fail)
    texts.before_sending = lambda message: failures.extend([OperationalError("", {}, Exception("gone"))] * 2)
    with pytest.raises(OperationalError):
        deliver(post, [due])
    event.remove(engine, "before_cursor_execute", fail)

    assert read(parts, due).state is State.ACCEPTED
