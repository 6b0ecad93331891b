import io
import json
import os
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from service.cli.root import root
from service.database import opener
from service.flows import heads, second_factor, sign_ins
from service.flows.deliver import deliver
from service.models import AuditEntry, Delivery, Link, ProviderCopy, Staff
from service.models.second_factors import Factor
from service.rules.consent import MESSAGES
from service.rules.lifecycle import State
from tests import builders
from tests.builders import NOW, on_postgresql, on_sqlite

ROOT = Path(__file__).parents[2]

QUEUE = "id kind rule_id group_session_id member_id channel state due_at held_until expires_at why"
LOG = (
    "id kind rule_id group_session_id member_id channel state reason due_at marked_at accepted_at settled_at expires_at"
    " provider_id attempts"
)
SESSIONS = "id group starts_at ends_at state coming cannot silent"
MEMBERS = "id mobile_last2 channel language consents state"
CSV_EVIDENCE = "consent_purposes,consent_method,consent_at,consent_by,consent_wording"


class Ran:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def lines(self):
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def cli(environ, monkeypatch, tmp_path, capsys):
    """Runs a command in this process, as an operator would in a folder of their own."""
    for name in [name for name in os.environ if name.startswith(("GROUPKEEPER", "TWILIO", "SENDGRID"))]:
        monkeypatch.delenv(name)
    for name, value in {**environ, "GROUPKEEPER_CLOCK": "2027-01-04T15:00:00Z"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            root.main([str(argument) for argument in arguments], prog_name="groupkeeper")
        out, err = capsys.readouterr()
        return Ran(ended.value.code or 0, out, err)

    return run


@pytest.fixture
def installed(cli):
    assert cli("upgrade").code == 0
    return cli


@pytest.fixture
def filled(installed, engine):
    """One member, reminded on Wednesday; a reflection on Friday."""
    with opener(engine)() as db:
        return builders.scene(db)


def written(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


# upgrade and staff


def test_an_empty_database_needs_nothing_but_upgrade(tmp_path, cli, data_dir, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{data_dir / 'fresh.db'}")

    assert (cli("upgrade").code, cli("upgrade").out) == (0, "The database is up to date.\n")
    assert cli("members", "--json").code == 0


@on_sqlite
def test_before_the_upgrade_each_command_says_what_to_do(cli, data_dir, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{data_dir / 'fresh.db'}")
    ran = cli("queue")

    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "The database is older than this version. Run `groupkeeper upgrade` first.\n"


@on_sqlite
def test_a_database_that_cannot_be_reached_is_one_sentence(cli, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:9/none?connect_timeout=2")
    ran = cli("queue")

    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert ran.err.startswith("The database cannot be reached.")


@on_sqlite
def test_bad_settings_are_all_named_and_end_with_2(cli, monkeypatch):
    monkeypatch.setenv("PORT", "x")
    monkeypatch.setenv("SENDER_RATE", "x")
    ran = cli("queue")

    assert ran.code == 2
    assert [line.split()[0] for line in ran.err.splitlines()[1:]] == ["PORT", "SENDER_RATE"]


@on_sqlite
def test_keys_that_are_none_end_with_2(cli, monkeypatch):
    monkeypatch.setenv("FIELD_KEYS", "x")

    assert cli("queue").code == 2


@on_sqlite
@pytest.mark.parametrize(
    "arguments",
    [["nonsense"], ["queue", "--days", "x"], ["queue", "--days", "0"], ["log", "--since", "monday"], ["import"]],
)
def test_wrong_usage_ends_with_2_and_says_what_is_right(installed, arguments):
    ran = installed(*arguments)

    assert ran.code == 2
    assert "Traceback" not in ran.err


def test_a_member_of_staff_is_added_with_a_link_to_set_the_password(installed, engine):
    ran = installed("staff", "add", "--email", "Lee@Oak.example.org", "--name", "Lee", "--role", "admin")

    assert ran.code == 0
    assert ran.out.startswith("http://127.0.0.1:8000/password/")
    with opener(engine)() as db:
        assert db.scalars(select(Staff)).one().email == "lee@oak.example.org"
        assert db.scalars(select(Link)).one().purpose == "password"


@on_sqlite
def test_staff_who_are_there_already_are_one_sentence(installed):
    add = ("staff", "add", "--email", "lee@oak.example.org", "--name", "Lee", "--role", "admin")
    installed(*add)
    ran = installed(*add)

    assert (ran.code, ran.err) == (1, "Somebody on the staff has this address already.\n")


@on_sqlite
def test_an_address_that_is_none_is_one_sentence(installed):
    ran = installed("staff", "add", "--email", "lee", "--name", "Lee", "--role", "admin")

    assert (ran.code, ran.err.count("\n"), "Traceback" in ran.err) == (1, 1, False)


# looking


def test_the_queue_has_exactly_its_fields(installed, filled):
    (line,) = installed("queue", "--json").lines

    assert list(line) == QUEUE.split()
    assert (line["id"], line["state"], line["due_at"]) == (
        str(filled.delivery),
        "scheduled",
        "2027-01-06T23:30:00.000Z",
    )
    assert (line["held_until"], line["why"]) == (None, "24 hours before the session")


def test_the_queue_looks_as_far_ahead_as_it_is_told(installed, filled):
    assert installed("queue", "--days", "1", "--json").lines == []


def test_the_log_has_exactly_its_fields(installed, filled, engine):
    with opener(engine)() as db:
        row = db.get_one(Delivery, filled.delivery)
        row.due_at = row.next_at = NOW - timedelta(hours=1)
        row.move(db, State.CANCELLED, NOW, "rule switched off", by="planner")
    (line,) = installed("log", "--json").lines

    assert list(line) == LOG.split()
    assert (line["state"], line["reason"], line["attempts"]) == ("cancelled", "rule switched off", 0)


def test_the_log_holds_only_what_was_due(installed, filled):
    assert installed("log", "--json").lines == []


@on_sqlite
def test_the_log_begins_where_it_is_told(installed, filled, engine):
    with opener(engine)() as db:
        db.get_one(Delivery, filled.delivery).due_at = NOW - timedelta(hours=1)

    assert len(installed("log", "--json", "--since", "2027-01-04T13:59:00Z").lines) == 1
    assert installed("log", "--json", "--since", "2027-01-04T14:01:00Z").lines == []


def test_sessions_have_exactly_their_fields(installed, filled):
    (line,) = installed("sessions", "--json").lines

    assert list(line) == SESSIONS.split()
    assert (line["group"], line["coming"], line["cannot"], line["silent"]) == ("Thursday group", 0, 0, 1)


def test_members_have_exactly_their_fields(installed, filled):
    (line,) = installed("members", "--json").lines

    assert list(line) == MEMBERS.split()
    assert (line["mobile_last2"], line["channel"], line["language"], line["state"]) == ("00", "sms", "en", "active")
    assert line["consents"] == [f"sms:{purpose}" for purpose in MESSAGES]


@on_sqlite
@pytest.mark.parametrize("command", ["queue", "log", "sessions", "members", "plan"])
def test_no_output_names_a_member_or_the_group(installed, filled, command):
    options = ["--dry-run", "--json"] if command == "plan" else ["--json"]
    ran = installed(command, *options)

    said = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "", ran.out)  # a random id may hold 555
    assert not [word for word in ("Anna", "Bell", "555", "grief") if word in said]
    assert installed(command, *options[:-1]).code == 0


@on_sqlite
@pytest.mark.parametrize("command", ["queue", "log", "sessions", "members"])
def test_without_anything_to_show_it_says_so(installed, command):
    assert (installed(command).out, installed(command, "--json").out) == ("Nothing.\n", "")


def test_a_plan_that_is_only_looked_at_changes_nothing(installed, filled, engine):
    with opener(engine)() as db:
        db.delete(db.get_one(Delivery, filled.delivery))
    ran = installed("plan", "--dry-run", "--json")

    would = {line["channel"]: line["would"] for line in ran.lines}
    assert would == {
        "sms": "go: 24 hours before the session",
        "email": "not go: channel not chosen by the member",
    }
    with opener(engine)() as db:
        assert builders.all_deliveries(db) == []


def test_a_plan_can_be_looked_at_as_of_another_day(installed, filled):
    ran = installed("plan", "--dry-run", "--json", "--as-of", "2027-01-07T23:29:00Z")

    assert {line["would"] for line in ran.lines if line["channel"] == "sms"} == {"not go: too late"}


@on_sqlite
def test_another_day_is_only_for_looking(installed):
    ran = installed("plan", "--as-of", "2027-01-07T23:29:00Z")

    assert (ran.code, "use it with --dry-run" in ran.err) == (2, True)


def test_planning_says_what_it_did(installed, filled, engine):
    with opener(engine)() as db:
        db.delete(db.get_one(Delivery, filled.delivery))

    assert installed("plan").out == "1 planned, 0 moved, 0 dropped\n"
    assert installed("plan").out == "0 planned, 0 moved, 0 dropped\n"


# importing


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


# the command itself


@on_sqlite
def test_the_command_runs_as_a_process(installed, filled):
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-m", "service", "queue", "--json"],
        cwd=ROOT,
        env={**os.environ},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ran.returncode, ran.stderr) == (0, "")
    assert UUID(json.loads(ran.stdout)["id"]) == filled.delivery


@on_sqlite
def test_output_that_nobody_reads_is_no_error(installed, filled):
    process = subprocess.Popen(
        [sys.executable, "-m", "service", "queue", "--json"],
        cwd=ROOT,
        env={**os.environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        process.stdout.close()
        err = process.stderr.read().decode()

    assert "Traceback" not in err
    assert "BrokenPipe" not in err


@on_sqlite
def test_each_command_explains_itself(cli):
    for name, command in root.commands.items():
        ran = cli(name, "--help")

        assert ran.code == 0
        assert command.help, name


@on_postgresql
def test_a_command_leaves_no_connection_open(installed, filled, engine):
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    with engine.connect() as db:
        before = db.exec_driver_sql(query).scalar_one()
        installed("queue")
        db.rollback()
        assert db.exec_driver_sql(query).scalar_one() == before


def test_what_was_sent_is_in_the_log(installed, filled, engine, post, clock):
    clock.go_to(NOW - timedelta(minutes=5))
    with opener(engine)() as db:
        row = db.get_one(Delivery, filled.delivery)
        row.due_at = row.next_at = clock()
    deliver(post, [filled.delivery])
    (line,) = installed("log", "--json").lines

    assert (line["state"], line["provider_id"], line["attempts"]) == ("accepted", "CONSOLE00000001", 1)
    assert line["marked_at"] == line["accepted_at"] == "2027-01-04T14:55:00.000Z"


# the ledgers


def test_audit_verify_says_how_many_rows_hold(installed, filled):
    ran = installed("audit", "verify")

    assert (ran.code, ran.out.splitlines()[:2]) == (
        0,
        ["5 consents, each as it was written", "0 audit entries, each as it was written"],
    )
    assert ran.out.splitlines()[2].endswith("ledger-heads: nothing noted yet")


@on_sqlite
def test_audit_verify_and_the_doctor_find_the_end_that_was_cut_off(installed, filled, engine, data_dir):
    with opener(engine)() as db:
        heads.note(db, data_dir, NOW.date())
    before = installed("audit", "verify")
    with engine.begin() as db:
        db.exec_driver_sql("DROP TRIGGER consents_no_delete")
        db.exec_driver_sql("DELETE FROM consents WHERE seq = 5")
    ran, doctor = installed("audit", "verify"), installed("doctor")

    assert (before.code, before.out.splitlines()[2].split(": ")[1]) == (0, "compared with 2027-01-04 to 2027-01-04")
    assert (ran.code, "row 5 stood there on 2027-01-04 and is gone" in ran.err) == (1, True)
    assert "MEND  ledgers: consents: row 5 stood there" in doctor.out


@on_sqlite
def test_audit_verify_and_the_doctor_name_the_first_row_that_was_changed(installed, filled, engine):
    with engine.begin() as db:
        db.exec_driver_sql("DROP TRIGGER consents_no_update")
        db.exec_driver_sql("UPDATE consents SET method = 'voice' WHERE seq = 2")
    ran, doctor = installed("audit", "verify"), installed("doctor")

    assert ran.code == 1
    assert "row 2 was changed after it was written" in ran.err
    assert "MEND  ledgers: consents: row 2 was changed" in doctor.out


@on_sqlite
def test_whoever_lost_their_phone_is_freed_of_their_second_factors_on_the_host(installed, engine):
    installed("staff", "add", "--email", "dana@oak.example.org", "--name", "Dana", "--role", "admin")
    with opener(engine)() as db:
        who = db.scalars(select(Staff)).one()
        second_factor.begin(db, who.id, Factor.APP, NOW)
        second_factor.confirm(db, second_factor.in_setup(db, who.id, Factor.APP, NOW), who, "", NOW)
        token = sign_ins.start(db, who.id, NOW)
    before = installed("doctor").out
    ran = installed("staff", "remove-factors", "--email", " Dana@oak.example.org ")
    unknown = installed("staff", "remove-factors", "--email", "eve@oak.example.org")

    assert (ran.code, ran.out.split(".")[0]) == (0, "1 removed")
    assert (unknown.code, unknown.err) == (1, "Nobody on the staff has this address.\n")
    assert "second factors: 0 of 1 administrators" in before
    assert "second factors: 1 of 1 administrators" in installed("doctor").out
    with opener(engine)() as db:
        assert sign_ins.who(db, token, NOW) is None
        assert db.scalars(select(AuditEntry.action).order_by(AuditEntry.seq.desc())).first() == "second factors removed"


@on_sqlite
def test_a_member_is_erased_once(filled, installed):
    told = installed("erase", filled.member, "--yes")
    again = installed("erase", filled.member, "--yes")

    assert (told.code, "waiting: 1" in told.out, "Only counts are left." in told.out) == (0, True, True)
    assert (again.code, "There is no such member." in again.err) == (1, True)
    assert installed("members", "--json").lines == []


@on_sqlite
def test_texts_that_the_provider_still_has_are_told_when_erasing_and_by_the_doctor(filled, installed, engine):
    with opener(engine)() as db:
        sent = db.scalars(select(Delivery)).first()
        sent.state, sent.provider_id, sent.body = State.DELIVERED, "SM1", "See you"
    erased = installed("erase", filled.member, "--yes")
    waits = installed("doctor")
    with opener(engine)() as db:
        copy = db.scalars(select(ProviderCopy)).one()
        copy.failing_since, copy.trouble = copy.since - timedelta(days=2), "Twilio 20003"

    assert "1 text of theirs is still at the text provider." in erased.out
    assert "ok    text provider: the words of 1 text wait to be blanked" in waits.out
    assert "MEND  text provider: the words of 1 text could not be blanked: Twilio 20003." in installed("doctor").out


@on_sqlite
def test_nobody_is_erased_without_being_asked_about(filled, installed, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert installed("erase", filled.member).code == 1
    assert len(installed("members", "--json").lines) == 1


@pytest.mark.parametrize(
    "words",
    [
        ("staff", "add", "--email", "ann@example.org", "--name", " ", "--role", "admin"),
        ("practice", "--name", ""),
        ("practice", "--sender", "a name that is far too long"),
        ("practice", "--sender", "Oak Recovery"),
        ("practice", "--phone", "123"),
    ],
)
def test_a_name_or_a_number_that_cannot_be_is_said_in_a_sentence(installed, words):
    before = installed("practice").out
    ran = installed(*words)

    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert ran.err.startswith(("Enter ", "Use at most 16 characters.", "“Recovery” tells"))
    assert installed("practice").out == before


def test_the_doctor_names_each_wrong_setting_once(cli, monkeypatch):
    monkeypatch.setenv("PORT", "nonsense")
    ran = cli("doctor")

    assert ran.code == 1
    assert ran.out.count("PORT must be a whole number") == 1
