"""Many ids as one value: the same rows as one by one, and by the same index."""

import pytest
from sqlalchemy import select

from service.flows import locking
from service.models import Member
from service.models.among import among
from tests import builders
from tests.builders import on_sqlite


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
@pytest.mark.parametrize("which", [[], [1], [0, 2], [0, 1, 2, 3]])
def test_it_finds_those_and_no_others(parts, which):
    with parts.open_db() as db:
        made = [builders.member(db, f"Person {number}").id for number in range(4)]
        db.flush()
        found = set(db.scalars(select(Member.id).where(among(Member.id, "ids")), {"ids": [made[n] for n in which]}))

    assert found == {made[number] for number in which}


@on_sqlite
@pytest.mark.parametrize("name", ["MEMBERS", "SESSIONS", "DELIVERIES", "ENROLMENTS", "ATTENDANCE"])
def test_no_table_is_read_from_end_to_end_for_it(parts, name):
    statement = str(getattr(locking, name).compile(dialect=parts.engine.dialect))
    with parts.read_db() as db:
        plan = db.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", ("[]",) * statement.count("?"))
        steps = [row.detail for row in plan]

    assert [step for step in steps if step.startswith("SCAN") and "json_each" not in step] == []
