"""Members are pasted or come from a file, are invited once, are away, and leave."""

import io

import pytest
from sqlalchemy import select

from service.models import (
    Enrolment,
    Invitation,
    Member,
)
from service.rules.kinds import Kind
from tests import builders
from tests.web.made_groups import THREE, add, count, has_error_at, made_group, waiting

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def test_pasted_lines_become_members(parts, staff):
    group = made_group(parts)

    assert add(staff, group, THREE).status_code == 302
    assert (count(parts, Member), count(parts, Enrolment)) == (3, 3)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("Cleo Park, not a number", "mobile"),
        (", 202-555-0145", "name"),
        ("Cleo Park, 202-555-0145, nonsense", "email"),
        ("Cleo Park", "Line 3"),
        ("Ana Twin, 202-555-0143", "Line 3"),
        ("a,b,c,d,e,f", "Line 3"),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_written(parts, staff, line, says):
    group = made_group(parts)
    page = add(staff, group, f"Ana Diaz, 202-555-0143\nBen Cole, 2025550144\n{line}")

    assert page.status_code == 422
    assert "Line 3" in page.text
    assert says in page.text
    assert "Ben Cole, 2025550144" in page.text, "what was pasted stays"
    assert count(parts, Member) == 0


def test_the_good_lines_are_kept_on_request_and_the_bad_ones_stay(parts, staff):
    group = made_group(parts)
    page = add(staff, group, "Ana Diaz, 202-555-0143\nCleo Park, not a number", keep_good="1")

    assert count(parts, Member) == 1
    assert "Cleo Park, not a number" in page.text
    assert "Ana Diaz, 202-555-0143" not in page.text


def test_what_is_left_is_numbered_as_it_stands_and_looked_at_beside_who_was_just_added(parts, staff):
    group = made_group(parts)
    lines = "Ana Diaz, 202-555-0143\nBen Cole, 2025550144\nCleo Park, 12\nDee Ito, 202-555-0143"
    page = add(staff, group, lines, keep_good="1")

    assert "Line 1, mobile: Short and emergency numbers" in page.text
    assert "Line 2, name: A member has the same number" in page.text
    assert not any(stale in page.text for stale in ("Line 3", "Line 4", "Line 1 has the same number"))


@pytest.mark.parametrize(
    ("line", "mobile", "email"),
    [
        ("Ana Diaz 202-555-0143", "+12025550143", ""),
        ("Ana Diaz (202) 555 0143", "+12025550143", ""),
        ("Ana Diaz +44 7911 123456", "+447911123456", ""),
        ("Ana Diaz ana@example.org", "", "ana@example.org"),
        ("Ana Diaz 202.555.0143 ana@example.org", "+12025550143", "ana@example.org"),
    ],
)
def test_a_line_without_commas_is_read_as_it_is_meant(parts, staff, line, mobile, email):
    assert add(staff, made_group(parts), line).status_code == 302
    with parts.read_db() as db:
        who = db.scalars(select(Member)).one()
        assert (who.name, who.mobile, who.email) == ("Ana Diaz", mobile, email)


@pytest.mark.parametrize("text", ["", "   \n \n"])
def test_nothing_pasted_is_said_so(parts, staff, text):
    page = add(staff, made_group(parts), text)

    assert page.status_code == 422
    assert "Paste at least one line" in page.text


def test_a_file_becomes_members(parts, staff):
    group = made_group(parts)
    data = io.BytesIO("\ufeffname;mobile;email\nZoë Müller;+44 7911 123456;\n".encode())
    answer = add(staff, group, file=(data, "members.csv"))

    assert answer.status_code == 302
    with parts.read_db() as db:
        assert db.scalars(select(Member)).one().name == "Zoë Müller"


@pytest.mark.parametrize(
    "data", [b"", b"\x00\x01\x02", b"\xff\xfe\x00", b"name,mobile,shoe_size\nA,1,2\n", b"name\n" + b"x\n" * 10_001]
)
def test_a_file_that_is_no_list_of_members_is_refused_in_words(parts, staff, data):
    page = add(staff, made_group(parts), file=(io.BytesIO(data), "members.csv"))

    assert page.status_code == 422
    assert "to mend" in page.text
    assert count(parts, Member) == 0


def test_members_are_invited_once_with_the_purposes_they_asked_for(parts, staff):
    group = made_group(parts)
    add(staff, group, THREE)
    for _ in range(2):
        staff.post(f"/groups/{group}/members/invite", {"purpose_reminder": "1"})

    with parts.read_db() as db:
        assert [row.purposes for row in db.scalars(select(Invitation))] == [["reminder"]] * 3
    assert [row.kind for row in waiting(parts)] == [Kind.INVITATION] * 3


def test_an_invitation_to_nothing_is_an_error(parts, staff):
    group = made_group(parts)
    add(staff, group, THREE)
    page = staff.post(f"/groups/{group}/members/invite")

    assert (page.status_code, has_error_at(page, "purpose_reminder")) == (422, True)
    assert count(parts, Invitation) == 0


def enrolment_of(parts):
    with parts.read_db() as db:
        return db.scalars(select(Enrolment)).one().id


def test_whoever_leaves_gets_nothing_more(parts, staff):
    group = made_group(parts, "Anna Bell")
    staff.post(f"/groups/{group}/members/{enrolment_of(parts)}/leave")

    assert waiting(parts) == []


def test_whoever_is_away_gets_nothing_until_they_are_back(parts, staff):
    group = made_group(parts, "Anna Bell")
    before = len(waiting(parts))
    path = f"/groups/{group}/members/{enrolment_of(parts)}/away"
    staff.post(path, {"until": "2027-01-16"})
    during = len(waiting(parts))
    staff.post(path, {"until": ""})

    assert during < before == len(waiting(parts))


@pytest.mark.parametrize("until", ["2026-12-24", "soon", "2027-13-01"])
def test_a_leave_until_no_day_is_an_error_at_its_field(parts, staff, until):
    group, key = made_group(parts, "Anna Bell"), enrolment_of(parts)
    page = staff.post(f"/groups/{group}/members/{key}/away", {"until": until})

    assert (page.status_code, has_error_at(page, f"until_{key}")) == (422, True)


def test_a_member_of_another_group_is_not_found_here(parts, staff):
    made_group(parts, "Anna Bell")
    with parts.open_db() as db:
        other = builders.group(db, "Another group").id

    assert staff.post(f"/groups/{other}/members/{enrolment_of(parts)}/leave").status_code == 404
