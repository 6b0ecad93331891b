"""The present: the machine's, or in practice mode one of the operator's choosing, shared by every process."""

import fcntl
import json
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

NAME = "clock.json"
TRIES, TRY_AGAIN = 20, 0.005
"""Seconds between two tries."""


@dataclass(frozen=True)
class ClockSetting:
    """`2026-03-06T12:00:00Z*600`: where the present starts, and how many times as fast it goes."""

    starts_at: datetime
    rate: float = 1.0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError where the text is not an instant with a zone, or the rate is not above 0."""
        instant, _, rate = text.partition("*")
        starts_at = datetime.fromisoformat(instant.strip())
        if starts_at.tzinfo is None:
            raise ValueError("no zone")
        speed = float(rate) if rate else 1.0
        if not 0 < speed <= 1_000_000:
            raise ValueError("rate")
        return cls(starts_at.astimezone(UTC), speed)


@dataclass(frozen=True)
class Clock:
    """Call it for the present, in UTC.

    `starts_at` was the present when the machine's clock said `anchor`.
    """

    starts_at: datetime | None = None
    anchor: datetime | None = None
    rate: float = 1.0

    def __call__(self) -> datetime:
        machine = datetime.now(UTC)
        if self.starts_at is None or self.anchor is None:
            return machine
        return self.starts_at + (machine - self.anchor) * self.rate

    @property
    def is_practice(self) -> bool:
        return self.starts_at is not None

    def lasting(self, seconds: float) -> timedelta:
        """How far this clock moves while `seconds` pass on the machine: leases and time-outs are the machine's."""
        return timedelta(seconds=seconds * self.rate)

    def spec(self) -> str:
        """`<present>@<machine's time>*<rate>`, for a process without our code. Empty for the machine's own."""
        if self.starts_at is None or self.anchor is None:
            return ""
        return f"{self.starts_at.isoformat()}@{self.anchor.isoformat()}*{self.rate:g}"


def join(setting: ClockSetting | None, data_dir: Path) -> Clock:
    """The clock that the running processes share; the first of them starts it, and it stands still while none runs.

    Holds a shared lock on the clock's file until this process ends.
    """
    if setting is None:
        return Clock()
    handle = os.open(data_dir / "clock.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if not _is_first(handle):
        fcntl.flock(handle, fcntl.LOCK_SH)
        return _read(data_dir) or _started(setting, data_dir)
    clock = _started(setting, data_dir)
    _write(setting, clock, data_dir)
    fcntl.flock(handle, fcntl.LOCK_SH)
    return clock


def _is_first(handle: int) -> bool:
    """Whether no process keeps the clock going. Asked for a while: a command that looks holds the lock for a moment,
    and taken for a running process it would let the clock leap over all the time that it stood still."""
    for _ in range(TRIES):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(TRY_AGAIN)
        else:
            return True
    return False


def look(setting: ClockSetting | None, data_dir: Path) -> Clock:
    """The same present for a command that comes and goes: it starts no clock and keeps none running."""
    if setting is None:
        return Clock()
    handle = os.open(data_dir / "clock.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read(data_dir) or _started(setting, data_dir)
    finally:
        os.close(handle)
    return _started(setting, data_dir)


def keep_alive(data_dir: Path) -> None:
    """Note that the clock still runs, so that it goes on from here after everything was stopped."""
    path = data_dir / NAME
    if path.exists():
        os.utime(path)


def _started(setting: ClockSetting, data_dir: Path) -> Clock:
    """Where the clock stood when it was last seen, or the start of the setting when that is a new one."""
    earlier = _read(data_dir)
    now = datetime.now(UTC)
    if earlier is None or earlier.starts_at is None or earlier.anchor is None or not _is_of(setting, data_dir):
        return Clock(setting.starts_at, now, setting.rate)
    seen = datetime.fromtimestamp((data_dir / NAME).stat().st_mtime, UTC)
    return Clock(earlier.starts_at + max(seen - earlier.anchor, timedelta()) * earlier.rate, now, setting.rate)


def _is_of(setting: ClockSetting, data_dir: Path) -> bool:
    kept = json.loads((data_dir / NAME).read_text())
    return bool(kept["setting"] == [setting.starts_at.isoformat(), setting.rate])


def _read(data_dir: Path) -> Clock | None:
    try:
        kept = json.loads((data_dir / NAME).read_text())
    except (FileNotFoundError, ValueError):
        return None
    return Clock(datetime.fromisoformat(kept["starts_at"]), datetime.fromisoformat(kept["anchor"]), kept["rate"])


def _write(setting: ClockSetting, clock: Clock, data_dir: Path) -> None:
    kept = {
        "setting": [setting.starts_at.isoformat(), setting.rate],
        "starts_at": clock.starts_at.isoformat() if clock.starts_at else "",
        "anchor": clock.anchor.isoformat() if clock.anchor else "",
        "rate": clock.rate,
    }
    draft = data_dir / f"{NAME}.{os.getpid()}"
    draft.write_text(json.dumps(kept))
    draft.replace(data_dir / NAME)
