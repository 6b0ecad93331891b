from datetime import timedelta

from sqlalchemy import select

from service.flows.chains import verify
from service.flows.reading import Read, Sight, not_on_record, record
from service.models import AuditEntry
from tests import builders
from tests.builders import NOW


def scene(parts, members=1):
    with parts.open_db() as db:
        reader = builders.staff(db)
        return reader.id, [builders.member(db, f"Member {number}") for number in range(members)]


def see(parts, reader, members, now=NOW, what=Read.REPLIES):
    with parts.open_db() as db:
        record(db, reader, [Sight(what, one) for one in members], now)


def kept(parts):
    with parts.read_db() as db:
        return [(row.action, row.member_id) for row in db.scalars(select(AuditEntry).order_by(AuditEntry.seq))]


def test_what_is_read_is_one_entry_in_ten_minutes(parts):
    reader, (who,) = scene(parts)
    for minutes in (0, 9, 10, 19, 21):
        see(parts, reader, [who], NOW + timedelta(minutes=minutes))

    assert kept(parts) == [("replies read", who.id)] * 3


def test_another_sort_of_thing_or_another_reader_is_an_entry_of_its_own(parts):
    reader, (who,) = scene(parts)
    with parts.open_db() as db:
        other = builders.staff(db, "other@oak.example.org").id
    see(parts, reader, [who])
    see(parts, reader, [who], what=Read.CHECK_INS)
    see(parts, other, [who])

    assert len(kept(parts)) == 3


def test_what_is_on_record_asks_for_no_writing(parts):
    reader, members = scene(parts, 3)
    see(parts, reader, members[:2])

    with parts.read_db() as db:
        new = not_on_record(db, reader, [Sight(Read.REPLIES, one) for one in members], NOW)
    assert [sight.of.id for sight in new] == [members[2].id]


def test_many_at_once_follow_each_other_in_the_chain(parts):
    reader, members = scene(parts, 50)
    see(parts, reader, members)

    with parts.read_db() as db:
        chain = verify(db)[1]
    assert (chain.sound, chain.first_bad) == (50, None)
    assert [whom for _, whom in kept(parts)] == [one.id for one in members]
