"""A file of groups: every column, and what is wrong with it."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from service.flows.import_file import check_groups, write_groups
from service.models import Group, GroupSession
from service.rules.tables import BadTable
from tests import builders
from tests.builders import NOW, THURSDAY, on_sqlite
from tests.flows.import_file.conftest import as_bytes, sentences

GROUPS = "group,starts_on,time"


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
