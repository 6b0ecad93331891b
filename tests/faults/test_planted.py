"""A judge that cannot condemn proves nothing: each bug that is put in is found."""

import logging
import threading

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from service.database import connect
from tests.chaos import planted
from tests.faults.operations import STARTS
from tests.faults.search import Reach, search
from tests.faults.world import world

FOUND_HERE = {
    "no_mark": ("it is to go again", {"duplicate", "stuck"}),
    "sweep_resends": ("taken over, and not recorded", {"duplicate", "the events do not match the moves"}),
    "no_recheck": ("it is to go again", {"begun after optout", "begun after cancel", "begun after move"}),
    "no_expiry": ("it is to go again", {"begun after its deadline"}),
    "refused_500": ("it is to go again", {"duplicate"}),
    "lowering_callbacks": ("delivered", {"went back", "a move that the table does not have"}),
    "no_gate": ("a worker has marked it", {"called after optout", "called after cancel", "called after move"}),
    "no_fence": ("a worker was frozen, and another has marked it", {"duplicate"}),
}
"""From where one operation leads to it, and what the judge says."""
ELSEWHERE = {
    "endless_words": "needs a queue: a chaos run finds it by most_words_in_redis",
    "deferred_transactions": "needs two connections: below, and by chaos",
    "short_looks": "does no harm: nothing is proven absent before the lease ends",
}


@pytest.fixture
def plant(monkeypatch):
    """The bugs of the chaos runs, for the length of a test."""

    def put(owner, name, value):
        getattr(owner, name)
        monkeypatch.setattr(owner, name, value)

    monkeypatch.setattr(planted, "_put", put)
    logging.disable(logging.CRITICAL)
    yield lambda name: planted.BUGS[name]()
    logging.disable(logging.NOTSET)


def test_every_bug_is_looked_for():
    assert FOUND_HERE.keys() | ELSEWHERE.keys() == planted.BUGS.keys()


@pytest.mark.slow
@pytest.mark.parametrize("bug", FOUND_HERE)
def test_a_bug_that_is_put_in_is_found_within_one_step(plant, tmp_path, bug):
    start, says = FOUND_HERE[bug]
    plant(bug)
    with world(tmp_path / "world") as one:
        what, *path = next(search(one, STARTS[start], 1, Reach()))

    print(f"{bug}: {what}, by {path}")
    assert what.partition(":")[0] in says


def two_at_once(folder):
    """Of two transactions that both read first, each then wants to write."""
    engine = connect(f"sqlite:///{folder / 'two.db'}")
    with engine.begin() as one:
        one.execute(text("create table words (word text)"))
    with engine.connect() as reader, reader.begin():
        reader.execute(text("select * from words")).all()
        engine.dispose(close=False)
        writes = threading.Thread(target=_write, args=(engine,))
        writes.start()
        writes.join(0.3)
        reader.execute(text("insert into words values ('mine')"))
    writes.join()
    engine.dispose()


def _write(engine):
    with engine.begin() as other:
        other.execute(text("insert into words values ('theirs')"))


def test_two_transactions_that_read_and_then_write_do_no_harm(tmp_path):
    two_at_once(tmp_path)


def test_transactions_that_begin_by_reading_are_found(plant, tmp_path):
    plant("deferred_transactions")

    with pytest.raises(OperationalError):
        two_at_once(tmp_path)
