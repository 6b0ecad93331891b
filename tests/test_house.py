"""What no linter sees. That every text fits is tested in test_texts.py, that nothing leaks in test_privacy.py."""

import importlib.util
import logging
import re
from collections import Counter
from importlib import metadata
from pathlib import Path

import pytest
from sqlalchemy import select

from service import texts
from service.flows import enrol
from service.flows.answer import Inbound
from service.flows.compose import TEXTS
from service.flows.deliver import deliver
from service.flows.plan import plan
from service.flows.receive import receive
from service.models import Delivery, Practice
from service.rules.consent import Choice, Purpose
from service.rules.kinds import Kind
from service.rules.lifecycle import State
from service.settings import NAMES
from tests import builders
from tests.builders import NOW

ROOT = Path(__file__).parents[1]
OURS = [path for path in sorted(ROOT.glob("[bsj]*/**/*.py")) if path.parent.name != "versions"]
"""service, jobs, sandbox and bench, without the lists of statements that migrations are."""
TESTS = sorted((ROOT / "tests").rglob("*.py"))
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
MARKUP = {
    "a style of its own": re.compile(r"\sstyle\s*="),
    "a script of its own": re.compile(r"<script(?![^>]*\ssrc=)|\son[a-z]+\s*=\s*[\"']|javascript:"),
    "text that is not escaped": re.compile(r"\|\s*safe\b|autoescape\s+false|Markup\("),
}


def by_name(paths):
    return pytest.mark.parametrize("path", paths, ids=[str(path.relative_to(ROOT)) for path in paths])


@builders.on_sqlite
@pytest.mark.parametrize("language", texts.LANGUAGES)
@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_has_its_text_in_every_language(parts, kind, language):
    values = dict.fromkeys(("day", "time", "next_day", "next_time", "words"), "Wed Sep 30")
    with parts.read_db() as db:
        text = texts.sms(TEXTS[kind], db.scalars(select(Practice)).one(), language, values)

    assert "{" not in text


@builders.on_sqlite
@pytest.mark.parametrize("language", texts.LANGUAGES)
@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.INVITATION])
def test_what_stands_beside_buttons_asks_for_no_reply_by_text(parts, kind, language):
    values = dict.fromkeys(("day", "time", "next_day", "next_time", "words"), "Wed Sep 30")
    with parts.read_db() as db:
        text = texts.page(TEXTS[kind], db.scalars(select(Practice)).one(), language, values)

    assert "{" not in text
    assert not re.search(r"\b(Reply|STOP|Responda C)\b", text)


def test_every_setting_is_told_of_in_the_example():
    told = (ROOT / ".env.example").read_text("utf-8")

    assert [name for name in NAMES if not re.search(rf"^#? ?{name}=", told, re.MULTILINE)] == []


@by_name(TEMPLATES)
def test_a_template_holds_no_code_no_style_and_nothing_unescaped(path):
    text = re.sub(r"\{#.*?#\}", "", path.read_text("utf-8"), flags=re.DOTALL)

    assert {what: found[0] for what, pattern in MARKUP.items() if (found := pattern.search(text))} == {}


@by_name([*OURS, *TESTS])
def test_a_file_is_at_most_three_hundred_lines(path):
    assert len(path.read_text("utf-8").splitlines()) <= 300


@by_name(OURS)
def test_a_file_says_what_it_is(path):
    text = path.read_text("utf-8")

    assert not text or text.startswith('"""')


def test_no_two_test_files_have_one_name():
    """pytest takes the second for the first, but only where both are run."""
    names = Counter(path.name for path in (ROOT / "tests").rglob("test_*.py"))

    assert [name for name, count in names.items() if count > 1] == []


def test_urllib3_is_the_one_that_its_name_says():
    """niquests puts another package of this name in its place, for all clients: it is slower, and blocks."""
    assert metadata.packages_distributions()["urllib3"] == ["urllib3"]
    assert importlib.util.find_spec("niquests") is None
    locks = [*ROOT.glob("requirements*.txt"), *ROOT.glob("bench/peers/requirements*")]
    assert [path for path in locks if "niquests" in path.read_text("utf-8")] == []


def test_no_module_is_named_for_nothing():
    vague = re.compile(r"(^|_)(utils?|helpers?|common|misc|manager)(_|$)")

    assert [str(path) for path in OURS if vague.search(path.stem)] == []


def test_no_line_of_the_log_of_a_whole_journey_holds_a_person(parts, post, caplog):
    caplog.set_level(logging.DEBUG, "service")
    canaries = ("Zelda Quill", "Zelda", "+12125550177", "2125550177", "zelda@example.org", "Quiet room", "Canary group")
    with parts.open_db() as db:
        group = builders.group(db, "Canary group", place="Quiet room", outside_name="Canary outside")
        builders.session(db, group)
        builders.rule(db, group, minutes=72 * builders.HOURS)
        person = enrol.Person("Zelda Quill", "+12125550177", "zelda@example.org", Choice.SMS, "en")
        who = enrol.add_member(db, person, NOW)
        enrol.join(db, group, who, builders.TODAY, NOW)
        enrol.invite(db, who, [Purpose.REMINDER], None, NOW)
    send(parts, post)
    with parts.open_db() as db:
        receive(db, Inbound("SM1", "+12125550177", "START"), NOW)
        plan(db, NOW)
    parts.clock.go(hours=9)
    send(parts, post)
    with parts.open_db() as db:
        answer = receive(db, Inbound("SM2", "+12125550177", "C - a canary word"), parts.clock())

    said = "\n".join(f"{record.getMessage()} {record.exc_text or ''} {record.args}" for record in caplog.records)
    assert "See you" in answer
    assert [canary for canary in (*canaries, "canary word", "appointment") if canary in said] == []


def send(parts, post):
    """Everything that is due goes out by the fake channels."""
    with parts.open_db() as db:
        ids = [row.id for row in db.scalars(select(Delivery).where(Delivery.state == State.SCHEDULED))]
    deliver(post, ids)
