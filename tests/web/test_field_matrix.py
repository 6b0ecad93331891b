"""Which words of members each role reads, over every page and file: what is planted is looked for in all of them."""

import pytest

from service.models import Contact
from tests.web.role_table import ON_CALL, A, C, F
from tests.web.worlds import pages_of

pytestmark = pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)

NUMBERS = {"own": "+12125550100", "other": "+12125550200"}
READS = {
    A: {"own number", "own flagged", "other number", "other flagged"},
    F: {"own words", "own reflection", "own score", "own flagged", "own number"},
    C: {"own number", "other number"},
    ON_CALL: {"own flagged", "other flagged", "own number", "other number"},
}
"""What speaks of danger is read by whoever is called for it, with the number to call; the office has every number."""


def planted(world):
    return {
        f"{world.name} words": world.words,
        f"{world.name} reflection": world.reflection,
        f"{world.name} score": world.score,
        f"{world.name} flagged": world.flagged,
        f"{world.name} number": NUMBERS[world.name],
    }


@pytest.mark.parametrize("role", [A, F, C, ON_CALL])
def test_each_role_reads_what_is_for_it_and_nothing_else(parts, app, own, other, signed_in, role):
    with parts.open_db() as db:  # whoever can be called sees what calls: test_roles.py
        db.delete(db.get_one(Contact, own.values["contact_id"]))
    client = signed_in(role)
    looked_for = {**planted(own), **planted(other)}
    found = {
        (name, endpoint)
        for endpoint, page in pages_of(app, client, own, other)
        for name, canary in looked_for.items()
        if canary in page
    }

    assert {name for name, _ in found} == READS[role], sorted(found)


def test_a_facilitator_reads_nothing_that_is_of_another_group(parts, app, own, other, signed_in):
    with parts.open_db() as db:
        db.delete(db.get_one(Contact, own.values["contact_id"]))
    canaries = (*other.canaries, *other.secrets, other.flagged, "said-other", NUMBERS["other"])
    pages = list(pages_of(app, signed_in(F), own, other))

    assert [(endpoint, canary) for endpoint, page in pages for canary in canaries if canary in page] == []
    assert [canary for canary in (*own.canaries, "said-own") if not any(canary in page for _, page in pages)] == []
