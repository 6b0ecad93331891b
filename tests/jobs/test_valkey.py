import stat

import pytest
from redis import Redis

from service import embedded
from service.embedded import NoValkey, redis_url, socket_path, start, stop, valkey
from service.settings import Settings


@pytest.fixture
def settings(data_dir):
    return Settings.from_env({"DATA_DIR": str(data_dir)})


def ping(settings):
    with Redis.from_url(redis_url(settings)) as redis:
        return redis.ping()


def test_it_answers_on_a_socket_that_only_we_can_reach(settings):
    with valkey(settings):
        path = socket_path(settings.data_dir)

        assert ping(settings)
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_of_two_processes_one_has_it(settings):
    with valkey(settings) as first, valkey(settings) as second:
        assert (first is not None, second) == (True, None)


def test_what_it_held_is_there_again_after_a_restart(settings):
    for expected in (None, b"kept"):
        with valkey(settings), Redis.from_url(redis_url(settings)) as redis:
            assert redis.get("word") == expected
            redis.set("word", "kept")


def test_a_server_of_ones_own_is_left_alone():
    settings = Settings.from_env({"REDIS_URL": "redis://example.org"})
    with valkey(settings) as server:
        assert (server, redis_url(settings)) == (None, "redis://example.org")


def test_a_long_path_has_its_socket_elsewhere(tmp_path):
    deep = tmp_path / ("x" * 90) / "var"

    assert len(str(socket_path(deep))) <= 100
    assert socket_path(deep) != socket_path(deep.with_name("other"))


def test_a_path_with_a_space_works(tmp_path):
    folder = tmp_path / "my practice"
    (folder / "valkey").mkdir(parents=True)
    server = start(folder)
    stop(server)

    assert server.returncode is not None


def test_a_program_that_is_none_is_one_sentence(settings, monkeypatch):
    monkeypatch.setattr(embedded, "_program", lambda: "/bin/false")
    with pytest.raises(NoValkey, match="Set REDIS_URL"), valkey(settings):
        pass
