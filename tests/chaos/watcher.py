"""Looks at Redis, at memory and at the processor's time all the while, and remembers the worst."""

import os
import re
import threading
import zlib
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from tests.chaos.arena import Arena

EVERY = 1.0
HEX_ID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
"""An id of a delivery, as a job's arguments would hold it."""
PAGE, TICKS = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_CLK_TCK")


@dataclass
class Watcher:
    arena: Arena
    most_ids: int = 0
    most_words: int = 0
    """Jobs that waited in a queue."""
    most_keys: int = 0
    most_memory: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    held: set[bytes] = field(default_factory=set)
    """Every value of every job that was seen in Redis, unpacked."""
    _ticks: dict[tuple[str, str], int] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)

    def watch(self) -> threading.Thread:
        thread = threading.Thread(target=self._keep_looking, daemon=True)
        thread.start()
        return thread

    def stop(self) -> None:
        """What Valkey has written to its files is looked through as well."""
        self._stop.set()
        self.held.update(path.read_bytes() for path in (self.arena.folder.path / "valkey").rglob("*.aof"))

    def _keep_looking(self) -> None:
        while not self._stop.wait(EVERY):
            with suppress(RedisError):
                self._look_at_redis()
            with suppress(OSError, ValueError):
                self._look_at_processes()

    def _look_at_redis(self) -> None:
        with Redis.from_url(self.arena.redis_url, socket_connect_timeout=1, socket_timeout=2) as redis:
            keys = list(redis.scan_iter(count=1000))
            jobs = [key for key in keys if key.startswith(b"rq:job:")]
            words = sum(int(redis.llen(key)) for key in keys if key.startswith(b"rq:queue:"))
            found = [value for key in jobs[:200] for value in redis.hgetall(key).values()]
        values = [_unpacked(value) for value in found]
        self.held.update(values)
        self.most_words = max(self.most_words, words)
        self.most_keys = max(self.most_keys, len(keys))
        self.most_ids = max(self.most_ids, sum(len(HEX_ID.findall(value)) for value in values))

    def _look_at_processes(self) -> None:
        arena = self.arena
        names = {one.pid: one.name.partition("-")[0] for one in (*arena.service, arena.sandbox, arena.valkey)}
        names[os.getpgrp()] = "driver"
        for entry in Path("/proc").iterdir():
            if not entry.name.isdecimal():
                continue
            with suppress(FileNotFoundError, ProcessLookupError):
                told = (entry / "stat").read_text().rpartition(")")[2].split()
                name = names.get(int(told[2]))
                if name is not None:
                    pages = int((entry / "statm").read_text().split()[1])
                    self.most_memory[name] = max(self.most_memory[name], pages * PAGE)
                    self._ticks[name, entry.name] = int(told[11]) + int(told[12])

    @property
    def cpu_seconds(self) -> dict[str, float]:
        """By part, of all processes that were ever seen."""
        total: dict[str, int] = defaultdict(int)
        for (name, _), ticks in self._ticks.items():
            total[name] += ticks
        return {name: round(ticks / TICKS, 1) for name, ticks in sorted(total.items())}


def _unpacked(value: bytes) -> bytes:
    try:
        return zlib.decompress(value)
    except zlib.error:
        return value
