"""A web process, as it runs."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.stand_ins import free_port

ROOT = Path(__file__).parents[2]


def until(holds: Callable[[], object], patience: float = 60.0) -> None:
    ends = time.monotonic() + patience
    while time.monotonic() < ends:
        try:
            if holds():
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise AssertionError("it did not come about in time")


class Web:
    def __init__(self, port: int, process: subprocess.Popen[bytes], said: Path) -> None:
        self.port, self.process, self.said = port, process, said
        self.url = f"http://127.0.0.1:{port}"
        self.connections: list[socket.socket] = []

    def is_ready(self) -> bool:
        with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)

    def connect(self, sent: bytes = b"") -> socket.socket:
        """Closed in the end."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        self.connections.append(connection)
        connection.sendall(sent)
        return connection


@contextmanager
def serving(environ: Mapping[str, str], folder: Path) -> Iterator[Web]:
    """Nothing stands beside it: no worker, no clock, no Valkey."""
    port, said = free_port(), folder / "said"
    own = {"PORT": str(port), "REDIS_URL": f"redis://127.0.0.1:{free_port()}/0", "PYTHONPATH": str(ROOT), **environ}
    with said.open("wb") as out:
        command = [sys.executable, "-m", "service", "web"]
        process = subprocess.Popen(command, env={**os.environ, **own}, cwd=folder, stdout=out, stderr=out)
    web = Web(port, process, said)
    try:
        until(web.is_ready)
        yield web
    finally:
        for connection in web.connections:
            connection.close()
        process.terminate()
        process.wait(60)
