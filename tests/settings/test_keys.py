import stat
import threading

import pytest

from service import keys
from service.settings import Settings, SettingsError
from service.wiring import build, prepare_data_dir, read_settings


@pytest.fixture
def settings(data_dir):
    return Settings.from_env({"DATA_DIR": str(data_dir)})


@pytest.mark.parametrize("name", ["secret_key", "field_keys"])
def test_a_secret_is_made_once_and_read_by_us_alone(settings, name):
    make = keys.secret_key if name == "secret_key" else keys.keyring
    path = settings.data_dir / name

    assert make(settings) == make(settings)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_of_several_processes_that_make_it_at_once_one_wins(settings):
    made = []
    threads = [threading.Thread(target=lambda: made.append(keys.secret_key(settings))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(made)) == 1
    assert [path.name for path in settings.data_dir.iterdir()] == ["secret_key"]


def test_a_secret_that_is_given_is_not_kept(data_dir):
    settings = Settings.from_env({"DATA_DIR": str(data_dir), "SECRET_KEY": "s" * 40})

    assert (keys.secret_key(settings), list(data_dir.iterdir())) == ("s" * 40, [])


def test_keys_that_are_none_are_a_problem_that_does_not_show_them(data_dir):
    settings = Settings.from_env({"DATA_DIR": str(data_dir), "FIELD_KEYS": "hunter2"})
    with pytest.raises(SettingsError) as raised:
        keys.keyring(settings)

    assert str(raised.value).startswith("FIELD_KEYS must look like k1:")
    assert "hunter2" not in str(raised.value)


def test_the_data_directory_is_ours_alone(tmp_path):
    settings = Settings.from_env({"DATA_DIR": str(tmp_path / "deep" / "var")})
    prepare_data_dir(settings)

    assert stat.S_IMODE(settings.data_dir.stat().st_mode) == 0o700


def test_a_data_directory_that_is_none_is_a_problem(tmp_path):
    (tmp_path / "file").write_text("")
    settings = Settings.from_env({"DATA_DIR": str(tmp_path / "file")})
    with pytest.raises(SettingsError, match="cannot be written to"):
        build(settings, stays=False)


def test_the_environment_counts_before_the_file(tmp_path, monkeypatch):
    (tmp_path / ".env").write_text("PORT=9000\nSENDER_RATE=2\n")
    monkeypatch.chdir(tmp_path)
    settings = read_settings({"PORT": "9100"})

    assert (settings.port, settings.sender_rate) == (9100, 2.0)
