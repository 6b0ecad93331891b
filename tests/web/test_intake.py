"""Reports that come at the same time."""

import asyncio
import threading

from sqlalchemy.exc import OperationalError

from service.flows.settle import Report
from service.models.base import uuid7
from service.rules.lifecycle import State
from service.web.intake import Intake
from tests.patience import finished

AWAY = OperationalError("", {}, Exception("gone"))


def report():
    return Report(uuid7(), State.SENT)


class Ledger:
    """Settles slowly, and says what it was given at once."""

    def __init__(self, broken=(), failure=None):
        self.batches, self.broken, self.failure = [], broken, failure
        self.is_at_work, self.may_go = threading.Event(), threading.Event()

    def settle(self, reports):
        self.batches.append(list(reports))
        self.is_at_work.set()
        self.may_go.wait(10)
        if self.failure and len(self.batches) == 2:
            raise self.failure
        return [ValueError("broken") if one in self.broken else None for one in reports]


async def told(intake, report):
    try:
        await intake.take(report)
    except Exception as error:
        return type(error).__name__
    return "settled"


async def each_told(ledger, reports):
    """The first is at work when the others come. Returns what each was told."""
    intake = Intake(ledger.settle)
    first = asyncio.create_task(told(intake, reports[0]))
    await asyncio.to_thread(ledger.is_at_work.wait, 10)
    others = [asyncio.create_task(told(intake, one)) for one in reports[1:]]
    await asyncio.sleep(0.1)
    assert not any(task.done() for task in (first, *others)), "nobody is answered before theirs is settled"
    ledger.may_go.set()
    async with asyncio.timeout(10):
        words = await asyncio.gather(first, *others)
        again = await told(intake, report())
    intake.close()
    assert again == "settled", "whatever happened before"
    return words


def run(ledger, reports):
    return finished(each_told(ledger, reports))


def test_what_comes_while_one_is_settled_is_settled_together():
    ledger = Ledger()

    assert run(ledger, [report() for _ in range(60)]) == ["settled"] * 60
    assert [len(batch) for batch in ledger.batches] == [1, 59, 1]


def test_one_that_is_broken_fails_alone():
    reports = [report() for _ in range(4)]

    assert run(Ledger(broken=reports[2:3]), reports) == ["settled", "settled", "ValueError", "settled"]


def test_those_whose_settling_was_broken_off_are_not_taken_for_settled():
    class Ends(BaseException):
        """As a thread that is told to end."""

    reports = [report() for _ in range(3)]

    assert run(Ledger(failure=Ends()), reports) == ["settled", "NotSettled", "NotSettled"]


def test_reports_of_one_connection_are_settled_in_their_order():
    settled = []

    async def send_all():
        intake = Intake(lambda reports: settled.extend(reports) or [None] * len(reports))
        mine = [[report() for _ in range(50)] for _ in range(8)]

        async def connection(reports):
            for one in reports:
                await intake.take(one)

        await asyncio.gather(*map(connection, mine))
        intake.close()
        return mine

    mine = finished(send_all())

    assert len(settled) == 400
    assert all([one for one in settled if one in part] == part for part in mine)


async def send(intake, times):
    """Each report when the last one is answered."""
    for _ in range(times):
        await intake.take(report())


def test_callers_that_were_answered_and_come_again_share_the_next_commit(monkeypatch):
    monkeypatch.setattr("service.web.intake.A_MOMENT", 60)
    ledger = Ledger()

    async def second_comes_while_the_first_is_settled():
        intake = Intake(ledger.settle)
        first = asyncio.create_task(send(intake, times=4))
        await asyncio.to_thread(ledger.is_at_work.wait, 10)
        second = asyncio.create_task(send(intake, times=3))
        await asyncio.sleep(0)
        ledger.may_go.set()
        async with asyncio.timeout(10):
            await asyncio.gather(first, second)
        intake.close()

    finished(second_comes_while_the_first_is_settled())

    assert [len(batch) for batch in ledger.batches] == [1, 2, 2, 2]


def test_a_caller_that_is_alone_waits_for_nobody(monkeypatch):
    monkeypatch.setattr("service.web.intake.A_MOMENT", 60)
    ledger = Ledger()
    ledger.may_go.set()

    async def alone():
        intake = Intake(ledger.settle)
        async with asyncio.timeout(10):
            await send(intake, times=5)
        intake.close()

    finished(alone())

    assert [len(batch) for batch in ledger.batches] == [1] * 5


def test_nobody_waits_for_long_for_those_that_stay_away():
    ledger = Ledger()
    ledger.may_go.set()

    async def many_then_one():
        intake = Intake(ledger.settle)
        async with asyncio.timeout(10):
            await asyncio.gather(*(send(intake, times=1) for _ in range(20)))
            await send(intake, times=1)
        intake.close()

    finished(many_then_one())

    assert sum(len(batch) for batch in ledger.batches) == 21
