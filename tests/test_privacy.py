"""A member whose name, number, address and group appear nowhere else is pushed through everything, and looked for."""

import logging
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from jobs import messages
from service.channels import AddressRefused, Ambiguous
from service.flows import import_file
from service.flows.plan import plan
from service.flows.reconcile import reconcile, sweep
from service.flows.schedule import cancel_session
from service.flows.settle import Report, settle
from service.logs import QUIET, JsonLines, TextLines
from service.models import Base, GroupSession
from service.rules.lifecycle import State
from tests import builders
from tests.builders import NOW, on_sqlite
from tests.jobs.conftest import everything_in, in_jobs, queue_redis, valkey_url  # noqa: F401  fixtures

NUMBER, NAME, ADDRESS = "+12125559317", "Quillfeather Canary", "quillfeather@canary.example.org"
GROUP, PLACE = "Bereavement of canaries", "Birdcage room"
SECRETS = (
    *("5559317", "555-9317", "Quillfeather", "quillfeather", "canary.example", "Bereavement", "bereavement"),
    *("Birdcage", "See you", "appointment"),
)
GROUPS_CSV = f"group,starts_on,time,place\n{GROUP},2027-01-07,18:30,{PLACE}\n"
MEMBERS_CSV = (
    "group,name,mobile,email,channel,consent_purposes,consent_method,consent_at,consent_by,consent_wording\n"
    f"{GROUP},{NAME},212-555-9317,{ADDRESS},both,reminder reflection checkin,paper,2027-01-02,Lee,You may text me.\n"
)


class Kept(logging.Handler):
    """Every line of the log as it would be written, in both forms."""

    def __init__(self):
        super().__init__(logging.DEBUG)
        self.lines = []

    def emit(self, record):
        self.lines += [JsonLines().format(record), TextLines().format(record)]


@pytest.fixture
def log():
    kept = Kept()
    root = logging.getLogger()
    level = root.level
    root.addHandler(kept)
    root.setLevel(logging.DEBUG)
    quiet = {name: logging.getLogger(name).level for name in QUIET}
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    yield kept
    root.removeHandler(kept)
    root.setLevel(level)
    for name, before in quiet.items():
        logging.getLogger(name).setLevel(before)


@pytest.fixture
def lived(parts, post, texts, mails, clock, in_jobs, log):  # noqa: F811
    """From the import to the last report, with a provider that refuses, loses answers, and breaks."""
    with parts.open_db() as db:
        checked = import_file.check_groups(db, GROUPS_CSV.encode(), NOW)
        import_file.write_groups(db, checked.good, NOW, lambda: None)
        found = import_file.check_members(db, MEMBERS_CSV.encode(), NOW, shared_ok=False)
        import_file.check_members(db, (MEMBERS_CSV + MEMBERS_CSV.splitlines()[1]).encode(), NOW, shared_ok=False)
        import_file.write_members(db, found.good, NOW, lambda: None)
        plan(db, NOW)
    failures = [Ambiguous("ReadTimeoutError"), RuntimeError(f"{NUMBER} {NAME}"), None, AddressRefused("Twilio 21610")]

    def fail(message):
        failure = failures.pop(0) if failures else None
        if failure:
            raise failure

    texts.before_sending = mails.before_sending = fail
    for _ in range(12):
        clock.go(hours=12)
        messages.hand_out()
        with parts.open_db() as db:
            sweep(db, clock)
        messages.send()
        reconcile(post)
    with parts.open_db() as db:
        for row in [row for row in builders.all_deliveries(db) if row.attempts]:
            settle(db, Report(row.id, State.UNDELIVERED, code="30005", opted_out=True), clock())
        for meeting in db.query(GroupSession).filter(GroupSession.starts_at > clock() + timedelta(days=3)).limit(2):
            cancel_session(db, meeting, clock())
    return texts.outbox + mails.outbox


def found_in(told):
    return sorted({secret for secret in SECRETS if secret in told})


def test_something_was_sent_at_all(lived):
    assert lived
    assert {message.to for message in lived} <= {NUMBER, ADDRESS}


def test_no_line_of_the_log_names_the_member_or_says_what_they_were_told(lived, log):
    assert len(log.lines) > 5
    assert found_in("\n".join(log.lines)) == []


def test_redis_holds_nothing_of_the_member(lived, queue_redis):  # noqa: F811
    held = everything_in(queue_redis)

    assert "jobs.messages.send" in held
    assert found_in(held) == []


def test_no_row_of_the_database_can_be_read_as_the_member(lived, parts):
    with parts.read_db() as db:
        rows = [row for table in Base.metadata.tables for row in db.execute(text(f"SELECT * FROM {table}"))]
    told = "\n".join(
        bytes(value).decode("utf-8", "replace") if isinstance(value, bytes | memoryview) else str(value)
        for row in rows
        for value in row
    )

    assert len(rows) > 40
    assert found_in(told) == []


@on_sqlite
def test_no_byte_of_the_databases_files_can_be_read_as_the_member(lived, engine):
    files = list(Path(engine.url.database).parent.glob("groupkeeper.db*"))
    told = b"".join(path.read_bytes() for path in files).decode("utf-8", "replace")

    assert {path.name for path in files} >= {"groupkeeper.db", "groupkeeper.db-wal"}
    assert found_in(told) == []


def test_an_error_of_the_database_holds_no_values(parts):
    def break_a_rule():
        with parts.open_db() as db:
            builders.group(db, GROUP, place=PLACE)
            builders.group(db, GROUP, place=PLACE)

    with pytest.raises(IntegrityError) as raised:
        break_a_rule()
    assert "parameters" in str(raised.value)
    assert found_in(str(raised.value)) == []


@pytest.mark.parametrize("formatter", [JsonLines(), TextLines()])
def test_an_error_that_is_logged_is_named_by_its_kind_and_place_alone(formatter):
    try:
        int(f"{NAME} {NUMBER}")
    except ValueError:
        record = logging.getLogger("x").makeRecord("x", 40, "f", 1, "chore failed", (), sys.exc_info())
    line = formatter.format(record)

    assert "ValueError at test_privacy.py:" in line
    assert found_in(line) == []


def test_a_line_of_the_log_cannot_be_forged():
    record = logging.makeLogRecord({"name": "x", "msg": "one\nERROR two \x1b[31m", "levelname": "INFO"})

    assert "\n" not in TextLines().format(record)
    assert "\x1b" not in TextLines().format(record)
    assert "\n" not in JsonLines().format(record)
