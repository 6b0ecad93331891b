"""Groups and members come from files: every row is checked first."""

import pytest

from tests.builders import on_sqlite

CSV_EVIDENCE = "consent_purposes,consent_method,consent_at,consent_by,consent_wording"


def written(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


GROUPS = "group,starts_on,time\nGrief,2027-01-07,18:30\n"


def test_groups_and_members_are_all_that_is_needed(installed, tmp_path):
    row = 'Grief,Anna,212-555-0123,,reminder,paper,2027-01-02,Lee,"You may text me."'
    groups = written(tmp_path, "groups.csv", GROUPS)
    members = written(tmp_path, "members.csv", f"group,name,mobile,email,{CSV_EVIDENCE}\n{row}\n")

    assert installed("import", "groups", groups).out == "1 groups imported\n"
    assert installed("import", "members", members).out.startswith("1 members imported")
    assert {line["kind"] for line in installed("queue", "--json").lines} == {"reminder", "same_day"}


def test_with_one_bad_row_nothing_is_written(installed, tmp_path):
    path = written(tmp_path, "groups.csv", f"{GROUPS}Other,2027-01-07,late\n")
    ran = installed("import", "groups", path)

    assert (ran.code, ran.out) == (1, "1 groups not imported, 1 bad rows\n")
    assert ran.err.splitlines()[0] == "line 3, column time: late is not a time. Write it like 18:30."
    assert installed("sessions", "--json").lines == []


def test_good_rows_are_kept_when_asked(installed, tmp_path):
    path = written(tmp_path, "groups.csv", f"{GROUPS}Other,2027-01-07,late\n")
    ran = installed("import", "groups", path, "--keep-good")

    assert (ran.code, ran.out) == (1, "1 groups imported, 1 bad rows\n")
    assert len(installed("sessions", "--json").lines) > 0


@on_sqlite
def test_a_dry_run_writes_nothing(installed, tmp_path):
    ran = installed("import", "groups", written(tmp_path, "groups.csv", GROUPS), "--dry-run")

    assert (ran.code, ran.out, installed("sessions", "--json").lines) == (0, "1 groups would be imported\n", [])


@on_sqlite
@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"PK\x03\x04", "This file is not a CSV."),
        (b"", "The file has no rows."),
        (b"a,b\n1,2\n", "The column 'a' is not known."),
        ("group,starts_on,time\nCafé,2027-01-07,18:30\n".encode("latin-1"), "The file is not UTF-8 text"),
    ],
)
def test_a_file_that_is_no_table_is_one_sentence(installed, tmp_path, data, sentence):
    (tmp_path / "groups.csv").write_bytes(data)
    ran = installed("import", "groups", tmp_path / "groups.csv")

    assert (ran.code, ran.err.count("\n"), sentence in ran.err) == (1, 1, True)


@on_sqlite
@pytest.mark.parametrize("path", ["missing.csv", "."])
def test_a_file_that_cannot_be_read_is_one_sentence(installed, path):
    ran = installed("import", "members", path)

    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert ran.err.startswith(f"Cannot read {path}: ")
