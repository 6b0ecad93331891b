import re
from pathlib import Path

import pytest

from service.settings import NAMES, SECRETS, Mode, Settings, SettingsError

LIVE = {
    "GROUPKEEPER_MODE": "live",
    "PUBLIC_URL": "https://groups.example.org",
    "TWILIO_ACCOUNT_SID": "AC" + "1" * 32,
    "TWILIO_AUTH_TOKEN": "token",
    "TWILIO_FROM": "+12025550123",
    "SENDGRID_API_KEY": "SG.key",
    "SENDGRID_FROM": "office@example.org",
}

BAD = {
    "PUBLIC_URL": "ftp://x",
    "PORT": "80000",
    "TRUSTED_PROXIES": "all",
    "SANDBOX_PORT": "eight",
    "GROUPKEEPER_MODE": "test",
    "GROUPKEEPER_CLOCK": "yesterday",
    "DATABASE_URL": "mysql://x",
    "REDIS_URL": "http://x",
    "SECRET_KEY": "short",
    "SENDER_RATE": "fast",
    "LOG_FORMAT": "xml",
    "HTTP_DEADLINE": "-1",
    "LEASE_SECONDS": "20",
    "TWILIO_API_KEY": "SK1",
    "TWILIO_API_BASE": "127.0.0.1",
    "SENDGRID_API_BASE": "file:///etc",
}


def problems(environ):
    with pytest.raises(SettingsError) as raised:
        Settings.from_env(environ)
    return raised.value.problems


def test_without_any_setting_it_is_practice_on_this_machine():
    settings = Settings.from_env({})

    assert (settings.mode, settings.port, settings.public_url) == (Mode.PRACTICE, 8000, "http://127.0.0.1:8000")
    assert settings.twilio.base == settings.sendgrid.base == "http://127.0.0.1:8001"
    assert settings.database_url == f"sqlite:///{Path('./var').resolve()}/groupkeeper.db"


@pytest.mark.parametrize(
    ("public_url", "given", "proxies"),
    [("http://127.0.0.1:8000", "", 0), ("https://groups.example.org", "", 1), ("https://groups.example.org", "2", 2)],
)
def test_behind_https_stands_one_proxy_unless_told_otherwise(public_url, given, proxies):
    assert Settings.from_env({"PUBLIC_URL": public_url, "TRUSTED_PROXIES": given}).trusted_proxies == proxies


def test_every_bad_value_is_named_at_once():
    told = problems(BAD)

    assert sorted(problem.split()[0] for problem in told) == sorted(BAD)


@pytest.mark.parametrize("name", sorted(BAD))
def test_each_problem_is_a_sentence_that_names_the_setting(name):
    (told,) = problems({name: BAD[name]})

    assert told.startswith(f"{name} ")
    assert told.endswith(".")
    assert len(told) > len(name) + 20


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"),
        ("PORT", "-1"),
        ("PORT", "8000.0"),
        ("PORT", "٨٠٠٠"),
        ("PORT", "9" * 40),
        ("SENDER_RATE", "-1"),
        ("SENDER_RATE", "nan"),
        ("SENDER_RATE", "inf"),
        ("PUBLIC_URL", "http://["),
        ("PUBLIC_URL", "http://host:port"),
        ("PUBLIC_URL", "http://host:99999"),
        ("PUBLIC_URL", "https://host/?a=b"),
        ("PUBLIC_URL", "https://user:secret@host"),
        ("PUBLIC_URL", "https:///x"),
        ("DATABASE_URL", "sqlite://"),
        ("DATABASE_URL", "postgresql://"),
        ("DATABASE_URL", "groupkeeper.db"),
        ("GROUPKEEPER_CLOCK", "2026-03-06T12:00:00"),
        ("GROUPKEEPER_CLOCK", "2026-03-06T12:00:00Z*0"),
        ("GROUPKEEPER_CLOCK", "2026-03-06T12:00:00Z*-2"),
        ("GROUPKEEPER_CLOCK", "2026-03-06T12:00:00Z*nan"),
        ("GROUPKEEPER_CLOCK", "2026-03-06T12:00:00Z*fast"),
        ("GROUPKEEPER_CLOCK", "2026-13-06T12:00:00Z"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused(name, value):
    assert [problem.split()[0] for problem in problems({name: value})] == [name]


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_no_problem_repeats_a_secret(name):
    secret = "hunter2"
    environ = {name: secret, f"{name}_FILE": "/nowhere"}

    assert not any(secret in problem for problem in problems(environ))


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_each_secret_can_be_given_as_a_file(name, tmp_path):
    values = {"DATABASE_URL": "postgresql://u@h/n", "REDIS_URL": "redis://h", "SECRET_KEY": "s" * 40}
    (tmp_path / "secret").write_text(values.get(name, "from a file") + "\n")
    other = {"TWILIO_API_KEY": "TWILIO_API_SECRET", "TWILIO_API_SECRET": "TWILIO_API_KEY"}.get(name)
    settings = Settings.from_env({f"{name}_FILE": str(tmp_path / "secret"), **({other: "x"} if other else {})})

    held = f"{settings.database_url} {settings.redis_url} {settings.secret_key} {settings.field_keys}"
    held += f" {settings.twilio.auth_token} {settings.twilio.api_key} {settings.twilio.api_secret}"
    held += settings.sendgrid.api_key
    assert values.get(name, "from a file").partition("://")[2] in held


def test_a_secret_that_is_given_twice_is_refused(tmp_path):
    (tmp_path / "secret").write_text("one")
    environ = {"TWILIO_AUTH_TOKEN": "two", "TWILIO_AUTH_TOKEN_FILE": str(tmp_path / "secret")}

    assert problems(environ)[0].startswith("TWILIO_AUTH_TOKEN is set twice")


def test_a_secrets_file_that_cannot_be_read_is_named(tmp_path):
    assert problems({"FIELD_KEYS_FILE": str(tmp_path / "missing")})[0].startswith("FIELD_KEYS_FILE names a file")


def test_a_setting_that_is_no_secret_is_not_read_from_a_file(tmp_path):
    (tmp_path / "port").write_text("9000")

    assert Settings.from_env({"PORT_FILE": str(tmp_path / "port")}).port == 8000


def test_live_mode_names_everything_that_it_needs():
    told = problems({"GROUPKEEPER_MODE": "live"})

    assert {problem.split()[0] for problem in told} == set(LIVE) - {"GROUPKEEPER_MODE"}


def test_live_mode_with_all_that_it_needs_sends_to_the_real_services():
    settings = Settings.from_env(LIVE)

    assert (settings.mode, settings.twilio.base, settings.sendgrid.base) == (Mode.LIVE, None, None)
    assert settings.uses_sandbox is False


def test_live_mode_refuses_a_clock_of_its_own():
    (told,) = problems({**LIVE, "GROUPKEEPER_CLOCK": "2026-03-06T12:00:00Z"})

    assert told == "GROUPKEEPER_CLOCK only works in practice mode. Remove it to go live."


@pytest.mark.parametrize("name", ["PUBLIC_URL", "TWILIO_API_BASE", "SENDGRID_API_BASE"])
def test_live_mode_refuses_addresses_without_tls(name):
    (told,) = problems({**LIVE, name: "http://groups.example.org"})

    assert told.startswith(f"{name} must be an address like https://")


def test_live_mode_takes_a_messaging_service_in_place_of_a_number():
    environ = {**LIVE, "TWILIO_MESSAGING_SERVICE_SID": "MG" + "0" * 32}
    del environ["TWILIO_FROM"]

    assert Settings.from_env(environ).twilio.sender == ""


def test_live_mode_takes_no_credential_of_the_sandbox_by_default():
    settings = Settings.from_env(LIVE)

    assert (settings.twilio.api_key, settings.twilio.api_secret) == ("", "")


@pytest.mark.parametrize("given", ["postgres://u@h/n", "postgresql://u@h/n", "postgresql+psycopg://u@h/n"])
def test_every_way_to_write_postgresql_is_understood(given):
    assert Settings.from_env({"DATABASE_URL": given}).database_url == "postgresql+psycopg://u@h/n"


def test_a_setting_with_spaces_around_it_is_read_without_them():
    assert Settings.from_env({"PORT": " 9000 "}).port == 9000


def test_the_sandbox_stands_beside_the_pages():
    assert Settings.from_env({"PORT": "9000"}).sandbox_url == "http://127.0.0.1:9001"


def test_settings_do_not_show_their_secrets():
    settings = Settings.from_env({**LIVE, "DATABASE_URL": "postgresql://u:hunter2@h/n", "SECRET_KEY": "k" * 40})

    shown = repr(settings)
    assert not [secret for secret in ("hunter2", "k" * 40, "'token'", "SG.key") if secret in shown]


def test_every_setting_stands_in_the_example():
    lines = (Path(__file__).parents[2] / ".env.example").read_text(encoding="utf-8").splitlines()
    named = {line.lstrip("# ").partition("=")[0] for line in lines if "=" in line}

    assert set(NAMES) - named == set()


def test_the_example_names_nothing_that_is_no_setting():
    text = (Path(__file__).parents[2] / ".env.example").read_text(encoding="utf-8")
    named = re.findall(r"\b([A-Z][A-Z_]+)=", text)

    assert {name for name in named if name.removesuffix("_FILE") not in NAMES} == set()


def test_the_example_as_it_stands_can_be_used(tmp_path):
    lines = (Path(__file__).parents[2] / ".env.example").read_text(encoding="utf-8").splitlines()
    given = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))

    assert Settings.from_env(given).mode is Mode.PRACTICE
