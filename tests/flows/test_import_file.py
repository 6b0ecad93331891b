import base64
import csv
import io
import json
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from service.flows.import_file import check_groups, check_members, write_groups, write_members
from service.flows.plan import plan
from service.flows.show import members as shown_members
from service.flows.suppress import suppress
from service.models import Consent, Delivery, Enrolment, Group, GroupSession, Member
from service.models.sealed import index_of
from service.rules.consent import Channel
from service.rules.lifecycle import State
from service.rules.tables import BadTable
from tests import builders
from tests.builders import NOW, THURSDAY, on_sqlite

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "bad_inputs.json").read_text("utf-8"))["vectors"]
BAD_FILES = [row for row in VECTORS if row["class"].startswith("csv.") and row["class"] != "csv.too_large"]

GROUPS = "group,starts_on,time"
MEMBERS = "group,name,mobile,email"
EVIDENCE = ",consent_purposes,consent_method,consent_at,consent_by,consent_wording"


@pytest.fixture
def tue(parts):
    """A practice in Britain with a group called Tue, which meets on Thursday."""
    with parts.open_db() as db:
        builders.practice(db, country="GB", time_zone="Europe/London")
        place = builders.group(db, "Tue", time_zone="Europe/London")
        builders.session(db, place)
        builders.rule(db, place)
        return place.id


def as_bytes(text):
    return text if isinstance(text, bytes) else text.encode()


def sentences(checked):
    return [str(error) for error in checked.errors]


def check(parts, text, **options):
    with parts.open_db() as db:
        try:
            return check_members(db, as_bytes(text), NOW, **{"shared_ok": False, **options})
        except BadTable as bad:
            return type("Bad", (), {"errors": [bad.error], "good": [], "notices": []})


def import_members(parts, text, shared_ok=False):
    with parts.open_db() as db:
        checked = check_members(db, as_bytes(text), NOW, shared_ok=shared_ok)
        assert sentences(checked) == []
        plan(db, NOW, write_members(db, checked.good, NOW, lambda: None, shared_ok=shared_ok))


def import_groups(parts, text, now=NOW):
    with parts.open_db() as db:
        checked = check_groups(db, as_bytes(text), now)
        assert sentences(checked) == []
        write_groups(db, checked.good, now, lambda: None)


def groups_errors(parts, text):
    with parts.open_db() as db:
        try:
            return sentences(check_groups(db, as_bytes(text), NOW))
        except BadTable as bad:
            return [str(bad.error)]


def given_of(vector):
    given = vector["input"]
    data = base64.b64decode(given["$b64"]) if isinstance(given, dict) else given.encode()
    return data.replace(b"phone", b"mobile").replace(b"Phone", b"Mobile")


OURS = {"csv.missing_column/1": "line 2, column mobile: Enter a mobile number or an email address."}
"""Where interface.md says otherwise: a file needs no column of numbers, a row needs one of the two."""
EXPECTED = {
    "csv.not_csv": "This file is not a CSV. In your spreadsheet choose 'Save as CSV (UTF-8)'.",
    "csv.encoding": "The file is not UTF-8 text (problem in line",
    "csv.missing_column": "The column 'group' is missing.",
    "csv.duplicate_column": "appears twice.",
    "csv.ragged_row": "values, the header has 4.",
    "csv.empty": "The file has no rows.",
    "csv.duplicate_rows": "Rows 2 and 3 are the same person.",
    "csv.unknown_group": "There is no group called",
    "csv.null_bytes_and_newlines": "Remove hidden characters",
}


@on_sqlite
@pytest.mark.parametrize("vector", BAD_FILES, ids=[row["id"] for row in BAD_FILES])
def test_each_bad_file_is_answered_with_its_sentence(parts, tue, vector):
    if vector["class"] == "csv.opted_out_again":
        with parts.open_db() as db:
            suppress(db, Channel.SMS, index_of("sms", "+447911123456"), "wrote STOP", NOW)
        checked = check(parts, given_of(vector))
        assert [str(notice) for notice in checked.notices] == [
            "line 2, column mobile: This person has opted out of texts. They stay opted out; the import does not"
            " change that."
        ]
        return

    assert OURS.get(vector["id"], EXPECTED[vector["class"]]) in " ".join(sentences(check(parts, given_of(vector))))


@on_sqlite
def test_a_near_name_is_offered(parts, tue):
    (told,) = sentences(check(parts, f"{MEMBERS}\nTuee,Anna,07911123456,\n"))

    assert told == "line 2, column group: There is no group called 'Tuee'. Did you mean 'Tue'?"


@on_sqlite
def test_latin_1_is_refused_with_its_line(parts, tue):
    (told,) = sentences(check(parts, f"{MEMBERS}\nTue,Anna,07911123456,\nTue,José,07911123457,\n".encode("latin-1")))

    assert told == "line 3: The file is not UTF-8 text (problem in line 3). Save it as 'CSV UTF-8'."


@on_sqlite
def test_ten_thousand_rows_are_the_most(parts, tue):
    rows = "".join(f"Tue,P{n},,p{n}@example.org\n" for n in range(10_001))

    assert sentences(check(parts, f"{MEMBERS}\n{rows}")) == ["file: The file has more than 10,000 rows. Split it."]


@on_sqlite
@pytest.mark.parametrize(
    "text", [f"\ufeff{MEMBERS}\nTue,Anna,07911123456,\n", "group;name;mobile\nTue;Anna;07911123456\n"]
)
def test_a_mark_at_the_beginning_and_semicolons_are_accepted(parts, tue, text):
    assert len(check(parts, text).good) == 1


@on_sqlite
@pytest.mark.parametrize(
    "text", ['group,name\n"Tue,Anna\n', 'group,name\n"Tue"x,Anna\n', "group,name\nTue," + "a" * 200_000]
)
def test_what_the_reader_cannot_read_is_a_sentence(parts, tue, text):
    told = sentences(check(parts, text))

    assert len(told) == 1
    assert "Mend the line" in told[0] or "at most 80 characters" in told[0]


@on_sqlite
def test_an_unknown_column_is_refused_by_name(parts, tue):
    (told,) = sentences(check(parts, "group,name,diagnosis\nTue,Anna,x\n"))

    assert told.startswith("line 1: The column 'diagnosis' is not known. Known are: group, name, mobile, email")


@on_sqlite
@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("Tue,,07911123456,,,,", "name"),
        ("Tue,Anna,,,,,", "mobile"),
        ("Tue,Anna,12,,,,", "mobile"),
        ("Tue,Anna,02079460958,,,,", "mobile"),
        ("Tue,Anna,,anna,,,", "email"),
        ("Tue,Anna,07911123456,,fax,,", "channel"),
        ("Tue,Anna,07911123456,,email,,", "email"),
        ("Tue,Anna,,a@example.org,sms,,", "mobile"),
        ("Tue,Anna,07911123456,,,xx,", "language"),
        ("Tue,Anna,07911123456,,,,Mars/Base", "time_zone"),
        ("Tue,Anna,07911123456,,,,EST", "time_zone"),
        (f"Tue,{'x' * 81},07911123456,,,,", "name"),
    ],
)
def test_each_bad_value_is_named_by_line_and_column(parts, tue, row, column):
    (told,) = sentences(check(parts, f"{MEMBERS},channel,language,time_zone\n{row}\n"))

    assert told.startswith(f"line 2, column {column}: ")
    assert told.endswith(".")


@on_sqlite
@pytest.mark.parametrize(
    ("evidence", "column"),
    [
        ("reminder,,,,", "consent_method"),
        ("newsletter,paper,2027-01-01,Lee,You may text me.", "consent_purposes"),
        ("reminder,paper,2028-01-01,Lee,You may text me.", "consent_at"),
        ("reminder,paper,last week,Lee,You may text me.", "consent_at"),
        ("reminder,paper,2027-01-01,,You may text me.", "consent_by"),
        ("reminder,paper,2027-01-01,Lee,", "consent_wording"),
    ],
)
def test_evidence_that_is_not_whole_is_refused(parts, tue, evidence, column):
    told = sentences(check(parts, f"{MEMBERS}{EVIDENCE}\nTue,Anna,07911123456,,{evidence}\n"))

    assert any(sentence.startswith(f"line 2, column {column}: ") for sentence in told)


@on_sqlite
def test_lines_are_counted_as_the_editor_counts_them(parts, tue):
    told = sentences(check(parts, f'{MEMBERS}\n\nTue,Anna,07911123456,\n\nTue,,07911123457,\n"Tue",Bea,x,\n'))

    assert [sentence.partition(",")[0] for sentence in told] == ["line 5", "line 6"]


@on_sqlite
def test_every_bad_row_is_told_at_once(parts, tue):
    rows = "Tue,,07911123456,\nNope,Bea,07911123457,\nTue,Cat,1,\nTue,Dee,07911123459,\n"
    checked = check(parts, f"{MEMBERS}\n{rows}")

    assert ([error.line for error in checked.errors], [line for line, _ in checked.good]) == ([2, 3, 4], [5])


def test_a_number_that_appears_in_two_members_must_be_confirmed(parts, tue):
    text = f"{MEMBERS}\nTue,Anna,07911123456,a@example.org\nTue,Bea,07911123456,b@example.org\n"
    (told,) = sentences(check(parts, text))

    assert told == "line 3, column mobile: Line 2 has the same number. Confirm that they share a phone, or mend it."
    assert len(check(parts, text, shared_ok=True).good) == 2


def test_a_number_of_another_member_must_be_confirmed(parts, tue):
    import_members(parts, f"{MEMBERS}\nTue,Anna,07911123456,a@example.org\n")
    (told,) = sentences(check(parts, f"{MEMBERS}\nTue,Bea,07911123456,b@example.org\n"))

    assert "Another member has this number already" in told


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


# groups


def test_a_group_has_its_sessions_and_rules(parts):
    import_groups(parts, f"{GROUPS},minutes,count\nGrief,2027-01-07,18:30,60,3\n")

    with parts.read_db() as db:
        rows = db.scalars(select(GroupSession).order_by(GroupSession.starts_at)).all()
        assert [(row.starts_at, row.minutes) for row in rows] == [
            (THURSDAY + timedelta(weeks=week), 60) for week in range(3)
        ]


def test_a_group_without_an_outside_name_is_called_by_its_day(parts):
    import_groups(parts, f"{GROUPS}\nGrief,2027-01-07,18:30\n")

    with parts.read_db() as db:
        assert db.scalars(select(Group)).one().outside_name == "Thursday group"


def test_a_group_takes_every_column(parts):
    with parts.open_db() as db:
        builders.staff(db, "lee@oak.example.org")
    header = "group,outside_name,time_zone,starts_on,time,minutes,every_weeks,count,until,skip,place,link"
    row = "Grief,Thursdays,Europe/London,2027-01-07,18:30,75,2,,2027-03-04,2027-01-21,Room 2,https://v.example.org/x"
    import_groups(parts, f"{header},facilitator_email,capacity\n{row},Lee@oak.example.org,8\n")

    with parts.read_db() as db:
        place = db.scalars(select(Group)).one()
        days = [one.series_on.isoformat() for one in db.scalars(select(GroupSession).order_by(GroupSession.starts_at))]
    assert (place.outside_name, place.time_zone, place.place, place.link, place.capacity) == (
        *("Thursdays", "Europe/London", "Room 2", "https://v.example.org/x", 8),
    )
    assert place.facilitator_id is not None
    assert days == ["2027-01-07", "2027-02-04", "2027-02-18", "2027-03-04"]


@on_sqlite
@pytest.mark.parametrize(
    ("header", "row", "column"),
    [
        (GROUPS, ",2027-01-07,18:30", "group"),
        (GROUPS, "G,07/01/2027,18:30", "starts_on"),
        (GROUPS, "G,2027-02-30,18:30", "starts_on"),
        (GROUPS, "G,2035-01-07,18:30", "starts_on"),
        (GROUPS, "G,2027-01-07,25:00", "time"),
        (GROUPS, "G,2027-01-07,6pm", "time"),
        (GROUPS, "G,2027-03-14,02:30", "time"),
        (GROUPS, "G,2027-11-07,01:30", "time"),
        (f"{GROUPS},time_zone", "G,2027-01-07,18:30,London", "time_zone"),
        (f"{GROUPS},minutes", "G,2027-01-07,18:30,5", "minutes"),
        (f"{GROUPS},minutes", "G,2027-01-07,18:30,1e2", "minutes"),
        (f"{GROUPS},every_weeks", "G,2027-01-07,18:30,0", "every_weeks"),
        (f"{GROUPS},count", "G,2027-01-07,18:30,0", "count"),
        (f"{GROUPS},count,until", "G,2027-01-07,18:30,3,2027-03-01", "until"),
        (f"{GROUPS},until", "G,2027-01-07,18:30,2027-01-01", "until"),
        (f"{GROUPS},skip", "G,2027-01-07,18:30,soon", "skip"),
        (f"{GROUPS},link", "G,2027-01-07,18:30,zoom.example.org", "link"),
        (f"{GROUPS},facilitator_email", "G,2027-01-07,18:30,who@example.org", "facilitator_email"),
        (f"{GROUPS},capacity", "G,2027-01-07,18:30,many", "capacity"),
    ],
)
def test_each_bad_value_of_a_group_is_named_by_line_and_column(parts, header, row, column):
    (told,) = groups_errors(parts, f"{header}\n{row}\n")

    assert told.startswith(f"line 2, column {column}: ")


@on_sqlite
def test_a_group_of_the_same_name_is_refused(parts):
    told = groups_errors(parts, f"{GROUPS}\nGrief,2027-01-07,18:30\nGRIEF ,2027-01-08,18:30\n")

    assert told == ["line 3, column group: There is a group of this name already. Choose another name."]


@on_sqlite
@pytest.mark.parametrize("missing", ["group", "starts_on", "time"])
def test_a_column_that_a_group_needs_is_named(parts, missing):
    header = [name for name in GROUPS.split(",") if name != missing]

    assert f"The column '{missing}' is missing" in groups_errors(parts, f"{','.join(header)}\na,b\n")[0]


def test_a_file_that_our_own_writer_makes_is_read(parts, tue):
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(MEMBERS.split(","))
    writer.writerow(["Tue", 'Anna "Annie" Bell, PhD', "07911 123456", ""])
    import_members(parts, out.getvalue())

    with parts.read_db() as db:
        assert db.scalars(select(Member)).one().name == 'Anna "Annie" Bell, PhD'
        assert db.scalars(select(Delivery)).all() == []
