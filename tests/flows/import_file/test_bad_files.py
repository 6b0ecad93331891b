"""What is wrong with a file of members is said by line and column, in a sentence."""

import base64
import json
from pathlib import Path

import pytest

from service.flows.suppress import suppress
from service.models.sealed import index_of
from service.rules.consent import Channel
from tests.builders import NOW, on_sqlite
from tests.flows.import_file.conftest import EVIDENCE, MEMBERS, check, import_members, sentences

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "bad_inputs.json").read_text("utf-8"))["vectors"]
BAD_FILES = [row for row in VECTORS if row["class"].startswith("csv.") and row["class"] != "csv.too_large"]


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
