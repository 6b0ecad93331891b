"""Files as they are uploaded, and what is said of them."""

import pytest

from service.flows.import_file import check_members, write_members
from service.flows.plan import plan
from service.rules.tables import BadTable
from tests import builders
from tests.builders import NOW

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
