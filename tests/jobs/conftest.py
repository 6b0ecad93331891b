"""A real Valkey, and the jobs' own module pointed at the parts of the test."""

import json
import threading
import zlib
from collections.abc import Iterator
from dataclasses import replace

import pytest
from redis import Redis

import jobs
from jobs import messages, upkeep
from jobs import post as jobs_post
from service.embedded import redis_url, valkey
from service.flows.deliver import Post
from service.settings import Settings
from service.wiring import Parts
from tests import builders


@pytest.fixture(scope="session")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One server for the tests of a worker; each test empties it."""
    folder = tmp_path_factory.mktemp("valkey")
    settings = Settings.from_env({"DATA_DIR": str(folder)})
    with valkey(settings):
        yield redis_url(settings)


@pytest.fixture
def queue_redis(valkey_url: str) -> Iterator[Redis]:
    connection = jobs.connect_to(valkey_url)
    connection.flushall()
    yield connection
    connection.connection_pool.disconnect()
    connection.close()


@pytest.fixture
def in_jobs(parts: Parts, post: Post, queue_redis: Redis, monkeypatch: pytest.MonkeyPatch) -> Post:
    """The jobs run on the test's database, clock, channels and Valkey."""
    for module in (jobs, messages, upkeep, jobs_post):
        monkeypatch.setattr(module, "parts", lambda: parts, raising=False)
        monkeypatch.setattr(module, "post", lambda: post, raising=False)
    monkeypatch.setattr(jobs, "redis", lambda: queue_redis)
    return replace(post)


@pytest.fixture
def stopping() -> Iterator[threading.Event]:
    """What a worker hears when it is to end."""
    yield messages.stopping
    messages.stopping.clear()


@pytest.fixture
def no_redis(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nobody listens where Redis should be."""
    gone = jobs.connect_to("redis://127.0.0.1:9")
    monkeypatch.setattr(jobs, "redis", lambda: gone)
    yield
    gone.close()


def due(parts, count=3, **of_member):
    """So many texts that are due now."""
    with parts.open_db() as db:
        meeting = builders.session(db, builders.group(db, "Thursday grief group"))
        return [builders.delivery(db, builders.member(db, **of_member), meeting).id for _ in range(count)]


def states(parts):
    with parts.read_db() as db:
        return [row.state for row in builders.all_deliveries(db)]


def everything_in(redis: Redis) -> str:
    """All keys and values, as text."""
    told = {}
    for key in redis.scan_iter():
        kind = redis.type(key)
        if kind == b"hash":
            told[str(key)] = str({name: _plain(value) for name, value in redis.hgetall(key).items()})
        elif kind == b"list":
            told[str(key)] = str(redis.lrange(key, 0, -1))
        elif kind == b"set":
            told[str(key)] = str(redis.smembers(key))
        elif kind == b"zset":
            told[str(key)] = str(redis.zrange(key, 0, -1))
        elif kind == b"string":
            told[str(key)] = str(redis.get(key))
        else:
            told[str(key)] = str(redis.dump(key))
    return json.dumps(told)


def _plain(value: bytes) -> bytes:
    """RQ packs what a job is to do."""
    try:
        return zlib.decompress(value)
    except zlib.error:
        return value
