"""Many reports at once end as they would one by one."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, select

from service.database import connect, opener
from service.flows.settle import Report, settle
from service.flows.settle_all import is_away, settle_all, settle_each
from service.flows.suppress import is_suppressed
from service.models import Delivery, DeliveryEvent, ProviderCopy
from service.models.base import uuid7
from service.rules.consent import Channel
from service.rules.lifecycle import REPORTED, State
from tests import builders
from tests.builders import NOW

SECOND = timedelta(seconds=1)
LATER = NOW + timedelta(minutes=1)
NAMES = ("", "SM1", "SM2")
SEEN = ("state", "reason", "provider_id", "error_code", "accepted_at", "settled_at", "lease_until")


def made(parts, texts, channel=Channel.SMS):
    """So many deliveries as there are pairs of a state and a name."""
    with parts.open_db() as db:
        who = builders.member(db, mobile=None, email=f"{uuid7()}@example.org")
        about = builders.session(db, builders.group(db, str(uuid7())))
        values = {"channel": channel, "attempts": 1, "lease_until": LATER, "address_index": b"somebody"}
        rows = [
            builders.delivery(
                db, who, about, due_at=NOW + timedelta(seconds=at), state=state, provider_id=name, **values
            )
            for at, (state, name) in enumerate(texts)
        ]
        for row in rows:
            row.body = "Your session is tomorrow."
        return [row.id for row in rows]


def became(parts, ids):
    with parts.read_db() as db:
        rows = [db.get_one(Delivery, one) for one in ids]
        events = [[(e.was, e.now, e.by, e.reason) for e in db.scalars(_events(one))] for one in ids]
        return [tuple(getattr(row, name) for name in SEEN) for row in rows], events


def _events(delivery_id):
    return select(DeliveryEvent).where(DeliveryEvent.delivery_id == delivery_id).order_by(DeliveryEvent.seq)


texts = st.lists(
    st.tuples(
        st.sampled_from([State.SENDING, State.UNKNOWN, State.ACCEPTED, State.SENT, State.DELIVERED, State.UNDELIVERED]),
        st.sampled_from([None, "SM1"]),
    ),
    min_size=1,
    max_size=4,
)
words = st.lists(
    st.tuples(st.integers(0, 4), st.sampled_from(sorted(REPORTED)), st.sampled_from(NAMES), st.booleans()),
    min_size=1,
    max_size=12,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=texts, words=words, channel=st.sampled_from(Channel))
def test_reports_at_once_end_as_they_would_one_by_one(parts, texts, words, channel):
    together, alone = made(parts, texts, channel), made(parts, texts, channel)

    def reports(ids):
        return [
            Report(ids[at % len(ids)], state, name, code="30003", opted_out=state is State.UNDELIVERED and is_over)
            for at, state, name, is_over in words
        ]

    settle_all(parts.open_db, reports(together), LATER)
    with parts.open_db() as db:
        for report in reports(alone):
            settle(db, report, LATER)

    assert became(parts, together) == became(parts, alone)


def test_many_plain_reports_are_one_transaction_of_four_statements(parts, engine):
    ids = made(parts, [(State.ACCEPTED, "SM1")] * 20)
    said = []

    def count(connection, cursor, statement, *rest):
        said.append(statement.split(" ")[0])

    event.listen(engine, "before_cursor_execute", count)
    try:
        settle_all(parts.open_db, [Report(one, State.SENT, "SM1") for one in ids], LATER)
    finally:
        event.remove(engine, "before_cursor_execute", count)

    assert [word for word in said if word != "BEGIN"] == ["SELECT", "INSERT", "UPDATE"]


def test_among_plain_reports_an_opt_out_is_heeded_and_one_on_nothing_of_ours_noted(parts):
    ids = made(parts, [(State.ACCEPTED, "SM1")] * 2)
    stranger = uuid7()
    settle_all(
        parts.open_db,
        [
            Report(ids[0], State.DELIVERED, "SM1"),
            Report(stranger, State.SENT, "SM9"),
            Report(ids[1], State.UNDELIVERED, "SM1", code="21610", opted_out=True),
        ],
        LATER,
    )

    with parts.read_db() as db:
        assert is_suppressed(db, Channel.SMS, b"somebody")
        assert [row.by for row in db.scalars(_events(stranger))] == ["stranger"]
        assert db.get_one(Delivery, ids[0]).state is State.DELIVERED


def test_a_name_that_is_told_when_the_words_are_gone_is_still_to_be_blanked(parts):
    one = made(parts, [(State.SENDING, None)])[0]
    with parts.open_db() as db:
        db.get_one(Delivery, one).body_sealed = None
    settle_all(parts.open_db, [Report(one, State.SENT, "SM7")], LATER)

    with parts.read_db() as db:
        assert db.scalars(select(ProviderCopy.provider_id)).all() == ["SM7"]


def test_no_report_is_nothing_to_do(parts):
    settle_all(parts.open_db, [], LATER)


NO_TEXT = "\ud800"
"""Half of a letter: no database takes it."""


@pytest.mark.parametrize("at", [0, 3, 6])
def test_one_that_no_database_takes_does_not_keep_the_others_from_being_settled(parts, at):
    ids = made(parts, [(State.ACCEPTED, None)] * 7)
    reports = [Report(one, State.DELIVERED, NO_TEXT if number == at else "SM1") for number, one in enumerate(ids)]

    failures = settle_each(parts.open_db, reports, LATER)

    assert [failure is not None for failure in failures] == [number == at for number in range(7)]
    assert not is_away(failures[at])
    with parts.read_db() as db:
        states = [db.get_one(Delivery, one).state for one in ids]
    assert states == [State.ACCEPTED if number == at else State.DELIVERED for number in range(7)]


def test_a_database_that_is_away_is_asked_once_for_all(caplog):
    nowhere = opener(connect("postgresql+psycopg://nobody@127.0.0.1:1/nothing"))

    failures = settle_each(nowhere, [Report(uuid7(), State.SENT)] * 5, LATER)

    assert [is_away(failure) for failure in failures] == [True] * 5
    assert len(caplog.records) == 1
