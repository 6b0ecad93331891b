"""Rows that go in many at a time are the rows that were asked for."""

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import DataError, IntegrityError

from service.models import Link, ProviderCopy
from service.models.base import uuid7
from service.models.bulk import OF, SIZES, among, insert_new, update_each
from tests import builders
from tests.listening import heard

TABLE = ProviderCopy.metadata.tables[ProviderCopy.__tablename__]
LINKS = Link.metadata.tables[Link.__tablename__]
BYTES = [b"", b"\\", b'"', b"\x00\xff", b"NULL", b"{,}"]
TEXTS = ["SM1", "NULL", "", 'said "no"', "back\\slash", "{a,b}", " 'spaced' ", "tab\tand\nline", "Zoë 🙂", None]
ALIKE = {"since": builders.NOW}


def copies(names, **changes):
    return {"provider_id": names, "member_id": [None] * len(names), "tries": [0] * len(names), **changes}


def test_every_text_is_kept_as_it_is(parts):
    with parts.open_db() as db:
        member = builders.member(db)
        names, members = [str(number) for number in range(len(TEXTS))], [None, *[member.id] * (len(TEXTS) - 1)]
        insert_new(db.connection(), TABLE, copies(names, trouble=TEXTS, member_id=members), ALIKE)
        rows = db.scalars(select(ProviderCopy).order_by(ProviderCopy.provider_id)).all()

        assert [row.trouble for row in rows] == TEXTS
        assert [row.member_id for row in rows] == members
        assert {(row.since, row.next_at, row.tries) for row in rows} == {(builders.NOW, None, 0)}


@pytest.mark.parametrize("count", [0, 1, SIZES[1] - 1, SIZES[1] + 1, SIZES[0] + SIZES[1] + 2])
def test_as_many_rows_go_in_as_there_are(parts, count):
    names = [f"SM{number}" for number in range(count)]
    with parts.open_db() as db:
        insert_new(db.connection(), TABLE, copies(names), ALIKE)

        assert sorted(db.scalars(select(ProviderCopy.provider_id))) == sorted(names)


def test_rows_that_are_there_stay_as_they_are(parts):
    with parts.open_db() as db:
        insert_new(db.connection(), TABLE, copies(["SM1", "SM2"], tries=[1, 2]), ALIKE)
        insert_new(db.connection(), TABLE, copies(["SM2", "SM3", "SM3"], tries=[7, 3, 7]), ALIKE)
        rows = db.execute(select(ProviderCopy.provider_id, ProviderCopy.tries).order_by(ProviderCopy.provider_id))

        assert [tuple(row) for row in rows] == [("SM1", 1), ("SM2", 2), ("SM3", 3)]


def test_rows_of_nobody_are_refused(parts):
    with pytest.raises(IntegrityError), parts.open_db() as db:
        insert_new(db.connection(), TABLE, copies(["SM1"], member_id=[uuid7()]), ALIKE)

    with parts.open_db() as db:
        assert db.scalars(select(func.count()).select_from(ProviderCopy)).one() == 0


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_what_is_too_long_is_refused_not_cut_off(parts):
    with pytest.raises(DataError), parts.open_db() as db:
        insert_new(db.connection(), TABLE, copies(["SM1"], trouble=["x" * 81]), ALIKE)


def test_bytes_go_in_and_are_changed_as_they_are(parts):
    ids, half = sorted(uuid7() for _ in BYTES), len(BYTES) // 2
    with parts.open_db() as db:
        insert_new(db.connection(), LINKS, {"id": ids, "token_hash": BYTES}, {"purpose": "test"})
        assert db.scalars(select(Link.token_hash).order_by(Link.id)).all() == BYTES

        others = [*BYTES[half:], *BYTES[:half]]
        rows = [{OF: one, "token_hash": b"x" + other} for one, other in zip(ids, others, strict=True)]
        update_each(db.connection(), update(LINKS), rows)
        assert db.scalars(select(Link.token_hash).order_by(Link.id)).all() == [b"x" + other for other in others]


def test_each_row_gets_its_own_values(parts):
    texts = [text for text in TEXTS if text is not None]
    ids = sorted(uuid7() for _ in texts)
    times = [builders.NOW if number % 2 else None for number in range(len(texts))]
    with parts.open_db() as db:
        hashes = [one.bytes for one in ids]
        insert_new(db.connection(), LINKS, {"id": ids, "token_hash": hashes}, {"purpose": "test"})
        rows = [
            {OF: one, "purpose": text, "used_at": at, "delivery_id": ids[0] if at else None}
            for one, text, at in zip(ids[1:], texts[1:], times[1:], strict=True)
        ]
        update_each(db.connection(), update(LINKS), rows)
        kept = db.execute(select(Link.purpose, Link.used_at, Link.delivery_id).order_by(Link.id)).all()

        assert [row.purpose for row in kept] == ["test", *texts[1:]]
        assert [row.used_at for row in kept] == times
        assert [row.delivery_id for row in kept] == [ids[0] if at else None for at in times]


@pytest.mark.parametrize("column", [Link.id, Link.token_hash, Link.purpose])
def test_what_is_among_many_is_found_whatever_it_is(parts, column):
    odd = [*BYTES, b"1", b"2", b"3", b"4"]
    rows = {
        Link.id: sorted(uuid7() for _ in TEXTS),
        Link.token_hash: odd,
        Link.purpose: ["x" if text is None else text for text in TEXTS],
    }
    with parts.open_db() as db:
        insert_new(db.connection(), LINKS, {one.key: values for one, values in rows.items()}, {})
        found = db.scalars(
            select(Link.id).where(among(column, "these")).order_by(Link.id), {"these": rows[column][2:7]}
        )

        assert found.all() == rows[Link.id][2:7]


def test_what_is_empty_is_among_nothing(parts):
    one = uuid7()
    with parts.open_db() as db:
        insert_new(db.connection(), LINKS, {"id": [one], "token_hash": [b"x"]}, {"purpose": "test"})

        assert db.scalars(select(Link.id).where(among(Link.delivery_id, "these")), {"these": [one]}).all() == []


def test_nothing_is_among_none(parts):
    with parts.open_db() as db:
        insert_new(db.connection(), LINKS, {"id": [uuid7()], "token_hash": [b"x"]}, {"purpose": "test"})

        for column in (Link.id, Link.token_hash, Link.purpose):
            assert db.scalars(select(Link.id).where(among(column, "these")), {"these": []}).all() == []
            assert len(db.scalars(select(Link.id).where(~among(column, "these")), {"these": []}).all()) == 1


@pytest.mark.parametrize("column", [Link.id, Link.token_hash, Link.purpose])
def test_none_among_them_counts_as_in_a_list_of_in(parts, column):
    columns = {"id": sorted(uuid7() for _ in BYTES), "token_hash": BYTES, "purpose": [str(one) for one in BYTES]}
    one = columns[column.key][1]
    with parts.open_db() as db:
        insert_new(db.connection(), LINKS, columns, {})
        found, others = (select(column).where(where) for where in (among(column, "these"), ~among(column, "these")))

        assert db.scalars(found, {"these": [None, one, None]}).all() == [one]
        assert db.scalars(others, {"these": [None, one, None]}).all() == [], "they may be what is not known"


def test_a_statement_reads_alike_for_one_and_for_many(parts):
    query = select(Link.id).where(among(Link.id, "these"))
    with heard(parts.engine) as asked, parts.read_db() as db:
        for count in (0, 1, 7):
            db.scalars(query, {"these": [uuid7() for _ in range(count)]}).all()

    asked = [one for one in asked if one.startswith("SELECT")]
    assert len(asked) == 3
    assert len(set(asked)) == 1
