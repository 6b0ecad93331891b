"""Whom a file of members adds, finds again and reminds."""

import csv
import io

from sqlalchemy import func, select

from service.flows.show import members as shown_members
from service.flows.suppress import suppress
from service.models import Consent, Delivery, Enrolment, Member
from service.models.sealed import index_of
from service.rules.consent import Channel
from service.rules.lifecycle import State
from tests import builders
from tests.builders import NOW
from tests.flows.import_file.conftest import EVIDENCE, MEMBERS, check, import_members, sentences


def test_the_same_number_under_another_name_is_not_taken_for_the_same_person(parts, tue):
    with parts.open_db() as db:
        builders.group(db, "Wed")
    (told,) = sentences(check(parts, f"{MEMBERS}\nTue,Anna Bell,07911123456,\nWed,Bob Cole,07911123456,\n"))

    assert told.startswith("line 3, column name: ")


def test_two_who_share_a_phone_and_have_no_other_address_are_two_members(parts, tue):
    import_members(parts, f"{MEMBERS}\nTue,Anna Bell,07911123456,\nTue,Bob Cole,07911123456,\n", shared_ok=True)

    with parts.read_db() as db:
        assert sorted(row.name for row in db.scalars(select(Member))) == ["Anna Bell", "Bob Cole"]


def test_a_known_number_under_another_name_is_not_taken_for_the_same_person(parts, tue):
    import_members(parts, f"{MEMBERS}\nTue,Anna Bell,07911123456,\n")
    (told,) = sentences(check(parts, f"{MEMBERS}\nTue,Bob Cole,07911123456,\n"))

    assert told.startswith("line 2, column name: A member has the same number")


def test_members_of_a_file_who_share_a_phone_are_both_marked(parts, tue):
    import_members(
        parts,
        f"{MEMBERS}\nTue,Anna,07911123456,a@example.org\nTue,Bea,07911123456,b@example.org\n",
        shared_ok=True,
    )
    with parts.read_db() as db:
        assert [row.shares_phone for row in db.scalars(select(Member))] == [True, True]


def test_the_same_person_in_two_groups_is_one_member(parts, tue):
    with parts.open_db() as db:
        builders.group(db, "Wed")
    import_members(parts, f"{MEMBERS}\nTue,Anna,07911123456,a@Example.org\nWed,Anna,+447911123456,A@example.org\n")

    with parts.read_db() as db:
        assert len(db.scalars(select(Member)).all()) == 1
        assert len(db.scalars(select(Enrolment)).all()) == 2


def test_a_file_that_is_imported_twice_changes_nothing(parts, tue):
    text = f"{MEMBERS}\nTue,Anna,07911123456,\n"
    import_members(parts, text)
    import_members(parts, text)

    with parts.read_db() as db:
        assert db.scalars(select(func.count()).select_from(Member)).one() == 1
        assert db.scalars(select(func.count()).select_from(Enrolment)).one() == 1


def test_without_evidence_a_member_is_to_be_invited_and_nothing_is_sent(parts, tue):
    import_members(parts, f"{MEMBERS}\nTue,Anna,07911123456,\n")

    with parts.read_db() as db:
        (line,) = shown_members(db)
        assert (line["state"], line["consents"], builders.all_deliveries(db)) == ("invite needed", [], [])


def test_with_whole_evidence_a_member_is_active_and_reminded(parts, tue):
    given = 'reminder checkin,Paper,2027-01-02,Lee,"You may text me, about 5 a week."'
    import_members(parts, f"{MEMBERS}{EVIDENCE}\nTue,Anna,07911123456,,{given}\n")

    with parts.read_db() as db:
        (line,) = shown_members(db)
        assert (line["state"], line["consents"]) == ("active", ["sms:reminder", "sms:checkin"])
        assert [row.state for row in builders.all_deliveries(db)] == [State.SCHEDULED]
        row = db.scalars(select(Consent)).first()
        assert (row.method, row.taken_by, row.wording) == ("paper", "Lee", "You may text me, about 5 a week.")


def test_an_import_never_lifts_an_opt_out(parts, tue):
    with parts.open_db() as db:
        suppress(db, Channel.SMS, index_of("sms", "+447911123456"), "wrote STOP", NOW)
    given = "reminder,paper,2027-01-02,Lee,You may text me."
    import_members(parts, f"{MEMBERS}{EVIDENCE}\nTue,Anna,07911123456,,{given}\n")

    with parts.read_db() as db:
        (line,) = shown_members(db)
        assert (line["state"], builders.all_deliveries(db)) == ("opted out", [])


def test_a_name_that_looks_like_a_formula_is_kept_as_it_is(parts, tue):
    import_members(parts, f"{MEMBERS}\nTue,=1+1,07911123456,\n")

    with parts.read_db() as db:
        assert db.scalars(select(Member)).one().name == "=1+1"


def test_a_file_that_our_own_writer_makes_is_read(parts, tue):
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(MEMBERS.split(","))
    writer.writerow(["Tue", 'Anna "Annie" Bell, PhD', "07911 123456", ""])
    import_members(parts, out.getvalue())

    with parts.read_db() as db:
        assert db.scalars(select(Member)).one().name == 'Anna "Annie" Bell, PhD'
        assert db.scalars(select(Delivery)).all() == []
