"""A member with a link to their consent page, and what it leaves."""

import re

import pytest
from sqlalchemy import select

from service.models import Consent, Delivery
from service.rules.consent import Choice
from service.rules.kinds import Kind
from tests import builders

MOBILE, MAIL = "+12125550100", "anna@example.org"
LINK = re.compile(r"http://127\.0\.0\.1:8000(/opt-in/[\w-]+)")


def member(parts, **given):
    with parts.open_db() as db:
        builders.practice(db)
        return builders.member(db, **{"mobile": MOBILE, "email": MAIL, "choice": Choice.BOTH, "agrees": (), **given}).id


@pytest.fixture
def link(parts, staff):
    def make(**given):
        key = member(parts, **given)
        return LINK.search(staff.post(f"/members/{key}/opt-in-link").text)[1]

    return make


def questions(parts):
    with parts.read_db() as db:
        return len(db.scalars(select(Delivery).where(Delivery.kind == Kind.INVITATION)).all())


def consents(parts):
    with parts.read_db() as db:
        return db.scalars(select(Consent).order_by(Consent.seq)).all()
