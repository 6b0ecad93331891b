"""A machine whose clock is wrong."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from jobs import messages
from service.clock import Clock
from tests import builders


@pytest.fixture
def machine(parts, in_jobs, monkeypatch):
    """Sets this machine's clock so many seconds off."""

    def set_off(seconds):
        def wrong() -> datetime:
            return Clock()() + timedelta(seconds=seconds)

        monkeypatch.setattr(messages, "parts", lambda: replace(parts, machine_clock=wrong))

    yield set_off
    messages.astray.clear()


def due(parts):
    with parts.open_db() as db:
        builders.delivery(db, builders.member(db), builders.session(db, builders.group(db)))


@builders.on_postgresql
@pytest.mark.parametrize(("off", "sent"), [(0, 1), (30, 1), (90, 0), (-90, 0)])
def test_a_machine_whose_clock_is_a_minute_off_sends_nothing(parts, machine, texts, off, sent):
    due(parts)
    machine(off)
    messages.check_clock()
    messages.send()

    assert len(texts.outbox) == sent


@builders.on_postgresql
def test_once_the_clock_is_right_it_sends_again(parts, machine, texts):
    due(parts)
    machine(90)
    messages.check_clock()
    machine(0)
    messages.check_clock()
    messages.send()

    assert len(texts.outbox) == 1


@builders.on_sqlite
def test_beside_sqlite_there_is_no_other_clock(parts, machine, texts):
    due(parts)
    machine(3600)
    messages.check_clock()
    messages.send()

    assert len(texts.outbox) == 1
