"""A member is forgotten: nothing that says who they were or what they wrote is left, in no row and in no file."""

from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from service.database import overwrite_deleted
from service.flows import erase, links, retain
from service.flows.plan import plan
from service.flows.receive import Inbound, receive
from service.flows.suppress import is_suppressed
from service.models import (
    Attendance,
    AuditEntry,
    Base,
    Consent,
    Delivery,
    Enrolment,
    Flag,
    HandOver,
    Invitation,
    Link,
    Member,
    Reply,
)
from service.models.groups import Came
from service.rules.consent import Channel, Choice
from service.rules.kinds import Kind
from service.rules.lifecycle import State
from tests import builders
from tests.builders import NOW, on_sqlite
from tests.flows.test_trends import answered

NUMBER, ADDRESS = "+12125559317", "quillfeather@canary.example.org"
WEEK = timedelta(days=7)
KEPT_AS_PROOF = {"consents"}


@pytest.fixture
def who(parts):
    """One of whom there is something in every table that can hold anything of a member."""
    with parts.open_db() as db:
        place = builders.group(db)
        builders.rule(db, place)
        past, _ = builders.session(db, place, NOW - WEEK), builders.session(db, place)
        member = builders.member(
            db, "Quillfeather Canary", mobile=NUMBER, email=ADDRESS, choice=Choice.BOTH, time_zone="Asia/Tokyo"
        )
        builders.enrolled(db, place, member, (NOW - 4 * WEEK).date())
        builders.came(db, past, member, Came.CAME)
        member.minor_note, member.stop_reason = "their mother's phone", "moved away"
        plan(db, NOW)
        answered(db, member, past, "7")
        sent = builders.delivery(db, member, past, Kind.REFLECTION, state=State.DELIVERED, marked_at=NOW - WEEK)
        sent.body, sent.address, sent.address_index = "What stayed with you?", NUMBER, member.mobile_index
        receive(db, Inbound("SM1", NUMBER, "I told my sister about it"), NOW)
        lee, ada = (builders.staff(db, f"{name}@x.example") for name in ("lee", "ada"))
        handed = HandOver(from_id=lee.id, to_id=ada.id, at=NOW)
        handed.note = "her sister again"
        db.add(handed)
        db.flush()
        for reply in db.scalars(select(Reply)):
            reply.hand_over_id = handed.id
        flag = Flag(member_id=member.id, address_index=b"x", is_urgent=False, category="review", pattern="x")
        flag.opened_at, flag.closed_at, flag.record = NOW, NOW, "I called her sister"
        db.add(flag)
        links.new_link(db, "unsubscribe", None, member_id=member.id)
        invitation = Invitation(
            member_id=member.id, channel=Channel.SMS, address_index=b"x", purposes=[], asked_at=NOW, expires_at=NOW
        )
        invitation.proof = "Firefox"
        db.add(invitation)
        return member.id


def do_erase(parts, who):
    with parts.open_db() as db:
        erased = erase.erase(db, db.get_one(Member, who), None, NOW)
    overwrite_deleted(parts.engine)
    return erased


def many(parts, model):
    with parts.read_db() as db:
        return db.scalar(select(func.count()).select_from(model))


def sealed_of_member(parts):
    """Every ciphertext that stands in the database, by table."""
    tables = {mapper.class_ for mapper in Base.registry.mappers} - {builders.Group, builders.Staff, builders.Practice}
    with parts.read_db() as db:
        return {
            (model.__tablename__, column.name, bytes(value))
            for model in tables
            for column in model.__table__.columns
            if column.name.endswith("_sealed")
            for value in db.scalars(select(column))
            if value is not None and model.__tablename__ not in KEPT_AS_PROOF
        }


def test_nothing_sealed_of_the_member_is_left_but_the_name_that_says_they_were_erased(parts, who):
    before = sealed_of_member(parts)
    do_erase(parts, who)
    after = sealed_of_member(parts)

    assert len(before) >= 12
    assert {(table, name) for table, name, _ in after} == {("members", "name_sealed")}
    assert not before & after


@on_sqlite
def test_no_byte_of_what_was_erased_is_left_in_the_databases_files(parts, who, engine):
    before = sealed_of_member(parts)
    do_erase(parts, who)
    told = b"".join(path.read_bytes() for path in Path(engine.url.database).parent.glob("groupkeeper.db*"))

    assert [(table, name) for table, name, value in before if value in told] == []


def test_no_row_holds_the_hash_of_their_number_but_what_keeps_them_from_being_written_to(parts, who):
    with parts.read_db() as db:
        indexes = {db.get_one(Member, who).mobile_index, db.get_one(Member, who).email_index}
    do_erase(parts, who)
    with parts.read_db() as db:
        held = {
            table.name
            for table in Base.metadata.sorted_tables
            for row in db.execute(text(f"SELECT * FROM {table.name}"))
            for value in row
            if isinstance(value, bytes | memoryview) and bytes(value) in indexes
        }

    assert held == {"suppressions", "consents"}


def test_counts_are_left(parts, who):
    before = {model: many(parts, model) for model in (Delivery, Attendance, Consent, Enrolment, Flag, Member)}
    erased = do_erase(parts, who)

    assert {model: many(parts, model) for model in before} == before
    found = {"replies": 2, "answers": 1, "bodies": 1, "waiting": 2, "groups": 1, "links": 1, "companions": 0}
    assert asdict(erased) == found
    with parts.read_db() as db:
        entry = db.scalars(select(AuditEntry).order_by(AuditEntry.seq.desc())).first()
    assert (entry.action, entry.object_id, entry.details) == ("member erased", str(who), asdict(erased))


def test_nothing_more_is_planned_and_no_import_can_write_to_them(parts, who):
    do_erase(parts, who)
    with parts.open_db() as db:
        again = builders.member(db, "Quillfeather Canary", mobile=NUMBER)
        builders.enrolled(db, db.scalars(select(builders.Group)).one(), again)
        plan(db, NOW)
        waiting = [row for row in builders.all_deliveries(db) if row.state is State.SCHEDULED]

        assert waiting == []
        assert is_suppressed(db, Channel.SMS, again.mobile_index)
        assert many(parts, Link) == 0


def test_a_phone_that_is_another_members_too_stays_theirs(parts, who):
    with parts.open_db() as db:
        other = builders.member(db, "Their sister", mobile=NUMBER)
        db.get_one(Member, who).shares_phone = other.shares_phone = True
    do_erase(parts, who)
    with parts.read_db() as db:
        assert not is_suppressed(db, Channel.SMS, db.get_one(Member, other.id).mobile_index)


def test_while_something_they_wrote_needs_a_person_it_waits(parts, who):
    with parts.open_db() as db:
        db.scalars(select(Flag)).one().closed_at = None
        with pytest.raises(erase.NotNow, match="Close the flag first"):
            erase.erase(db, db.get_one(Member, who), None, NOW)


def test_a_message_on_its_way_is_forgotten_once_its_fate_is_known(parts, who):
    with parts.open_db() as db:
        row = db.scalars(select(Delivery).where(Delivery.state == State.DELIVERED)).first()
        row.state, row.body = State.UNKNOWN, "on its way"
    do_erase(parts, who)
    with parts.open_db() as db:
        assert db.get_one(Delivery, row.id).body == "on its way"
        db.get_one(Delivery, row.id).state = State.ASSUMED
    retain.remove(parts.open_db, NOW, NOW)

    with parts.read_db() as db:
        assert db.get_one(Delivery, row.id).body == ""
