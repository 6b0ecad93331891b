"""Reports that come at the same time."""

import threading

import pytest
from sqlalchemy.exc import OperationalError

from service.flows.settle import Report
from service.models.base import uuid7
from service.rules.lifecycle import State
from service.web.intake import Intake
from tests.patience import eventually


def report():
    return Report(uuid7(), State.SENT)


class Ledger:
    """Settles slowly, and says what it was given at once."""

    def __init__(self, broken=(), away=False):
        self.batches, self.broken, self.away = [], broken, away
        self.is_at_work, self.may_go = threading.Event(), threading.Event()

    def settle(self, reports):
        self.batches.append(list(reports))
        self.is_at_work.set()
        self.may_go.wait(10)
        if self.away:
            raise OperationalError("", {}, Exception("gone"))
        if any(one in self.broken for one in reports):
            raise ValueError("broken")


def take_all(intake, ledger, reports):
    """Each in a thread of its own; the first is at work when the others come. Returns what each was told."""
    told = {}

    def take(one):
        try:
            intake.take(one)
        except Exception as error:
            told[one] = type(error).__name__
        else:
            told[one] = "settled"

    threads = [threading.Thread(target=take, args=(one,)) for one in reports]
    threads[0].start()
    ledger.is_at_work.wait(10)
    for thread in threads[1:]:
        thread.start()
    assert eventually(lambda: len(intake._waiting), len(reports) - 1) == len(reports) - 1
    assert told == {}, "nobody is answered before theirs is settled"
    ledger.may_go.set()
    for thread in threads:
        thread.join(10)
    return told


def test_what_comes_while_one_is_settled_is_settled_together():
    ledger, reports = Ledger(), [report() for _ in range(6)]

    assert take_all(Intake(ledger.settle), ledger, reports) == dict.fromkeys(reports, "settled")
    assert [len(batch) for batch in ledger.batches] == [1, 5]


def test_one_that_is_broken_fails_alone():
    reports = [report() for _ in range(4)]
    ledger = Ledger(broken=reports[2:3])

    told = take_all(Intake(ledger.settle), ledger, reports)

    assert [told[one] for one in reports] == ["settled", "settled", "ValueError", "settled"]


def test_a_database_that_is_away_is_asked_once_for_all():
    ledger, reports = Ledger(away=True), [report() for _ in range(4)]

    assert set(take_all(Intake(ledger.settle), ledger, reports).values()) == {"OperationalError"}
    assert [len(batch) for batch in ledger.batches] == [1, 3]


def test_after_a_failure_the_next_one_is_settled():
    ledger = Ledger(away=True)
    ledger.may_go.set()
    intake = Intake(ledger.settle)
    with pytest.raises(OperationalError):
        intake.take(report())
    ledger.away = False

    intake.take(report())


def test_one_whose_settling_was_broken_off_is_not_taken_for_settled():
    class Ends(BaseException):
        """As a process that is told to end."""

    at_work, may_end = threading.Event(), threading.Event()

    def settle(reports):
        at_work.set()
        may_end.wait(10)
        if len(reports) == 2:
            raise Ends

    intake, told = Intake(settle), []

    def take():
        try:
            intake.take(report())
        except BaseException as error:
            told.append(type(error).__name__)
        else:
            told.append("settled")

    threads = [threading.Thread(target=take) for _ in range(3)]
    threads[0].start()
    at_work.wait(10)
    for thread in threads[1:]:
        thread.start()
    assert eventually(lambda: len(intake._waiting), 2) == 2
    may_end.set()
    for thread in threads:
        thread.join(10)

    assert sorted(told) == ["Ends", "NotSettled", "settled"]


def test_a_crowd_of_threads_is_settled_whole():
    settled = []
    intake = Intake(settled.extend)
    mine = [[report() for _ in range(50)] for _ in range(8)]
    threads = [
        threading.Thread(target=lambda reports=reports: [intake.take(one) for one in reports]) for reports in mine
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert sorted(one.delivery_id for one in settled) == sorted(one.delivery_id for part in mine for one in part)
    assert all([one for one in settled if one in part] == part for part in mine)
