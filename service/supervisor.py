"""Runs every process of an installation: starts them in order, restarts one that dies, stops all of them cleanly."""

import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field

import click
from sqlalchemy.exc import SQLAlchemyError

from service.clock import join, keep_alive
from service.embedded import die_with_parent, redis_url, start, stop, valkey
from service.flows import heartbeat
from service.flows.settle_in import found, office_of
from service.settings import Settings
from service.upgrade import upgrade
from service.wiring import Parts, build, prepare_data_dir

STOP_SECONDS = 4.0
READY_SECONDS = 30.0
"""So long a start may take in which something dies, and so long it usually takes at most."""
BUSY_SECONDS = 300.0
"""So long one may take where nothing does: another program has the machine."""
LONGEST_WAIT = 30.0
"""Seconds between two restarts of a process that keeps dying."""


@dataclass
class Child:
    """One process, and how often it had to be started again."""

    name: str
    arguments: tuple[str, ...]
    environ: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    restarts: int = 0
    wait: float = 0.5

    def start(self) -> None:
        self.started_at = time.monotonic()
        self.process = subprocess.Popen(
            self.arguments,
            env={**self.environ, "GROUPKEEPER_PROCESS": self.name},
            preexec_fn=die_with_parent,
            start_new_session=True,
        )

    def has_died(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def revive(self, now: float) -> bool:
        """Start it again, sooner where it had been well for a while. Returns whether it did."""
        if now - self.started_at > 60:
            self.wait = 0.5
        if now - self.started_at < self.wait:
            return False
        self.wait = min(self.wait * 2, LONGEST_WAIT)
        self.restarts += 1
        self.start()
        return True


@dataclass
class Supervisor:
    settings: Settings
    _children: list[Child] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _parts: Parts | None = None
    _server: subprocess.Popen[bytes] | None = None
    """A Valkey that was started again; the first one belongs to its own `with`."""

    def run(self) -> int:
        """Blocks until stopped. Returns the exit code."""
        prepare_data_dir(self.settings)
        with ExitStack() as stack:
            lock = stack.enter_context((self.settings.data_dir / "run.lock").open("w"))
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                click.echo("Groupkeeper is already running on this data directory. Stop it first.", err=True)
                return 1
            taken = self._taken_port()
            if taken:
                click.echo(f"Port {taken} is taken. Choose another: make run PORT={taken + 1000}.", err=True)
                return 2
            return self._run(stack)

    def _run(self, stack: ExitStack) -> int:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())
        click.echo("Starting Groupkeeper ...")
        self._prepare()
        server = stack.enter_context(valkey(self.settings))
        self._children = self._plan()
        try:
            for child in self._children:
                child.start()
            if not self._wait_until_ready():
                return 1
            self._watch(server)
        finally:
            self._stop_all()
        click.echo("Stopped.")
        return 0

    def _prepare(self) -> None:
        join(self.settings.clock, self.settings.data_dir)
        parts = build(self.settings, stays=False)
        upgrade(parts.engine, self.settings.data_dir)
        with parts.open_db() as db:
            found(db, office_of(self.settings), parts.clock())
            heartbeat.start_anew(db)
        self._parts = parts

    def _plan(self) -> list[Child]:
        environ = {**os.environ, "PORT": str(self.settings.port), "REDIS_URL": redis_url(self.settings)}
        names = ["web", "worker", "clock"]
        if self.settings.uses_sandbox:
            names.insert(0, "sandbox")
        if sys.platform == "darwin":
            environ |= {"OBJC_DISABLE_INITIALIZE_FORK_SAFETY": "YES", "no_proxy": "*"}
        return [Child(name, (sys.executable, "-m", "service", name), environ) for name in names]

    def _taken_port(self) -> int | None:
        ports = [self.settings.port]
        if self.settings.uses_sandbox:
            ports.append(self.settings.sandbox_port)
        return next((port for port in ports if _is_taken(port)), None)

    def _wait_until_ready(self) -> bool:
        began, is_told = time.monotonic(), False
        waiting = [self.settings.port] + ([self.settings.sandbox_port] if self.settings.uses_sandbox else [])
        while waiting and not self._stop.is_set():
            waiting = [port for port in waiting if not _is_taken(port)]
            lasts = time.monotonic() - began
            if why := self._hopeless(lasts):
                click.echo(why, err=True)
                return False
            if waiting and lasts > READY_SECONDS and not is_told:
                click.echo("This takes longer than usual: the machine is busy with something else ...", err=True)
                is_told = True
            self._revive()
            time.sleep(0.1)
        if not self._stop.is_set():
            self._welcome()
        return True

    def _hopeless(self, lasts: float) -> str:
        """Why there is no use in waiting on, or ""."""
        if lasts > READY_SECONDS and any(child.restarts for child in self._children):
            return "The pages did not come up. What went wrong stands above."
        return (
            f"The pages did not come up within {BUSY_SECONDS:.0f} seconds. Try again." if lasts > BUSY_SECONDS else ""
        )

    def _welcome(self) -> None:
        click.echo(f"\n  Groupkeeper is ready:   {self.settings.public_url}")
        if self.settings.uses_sandbox:
            click.echo(f"  The on-screen phone:    {self.settings.sandbox_url}")
            click.echo("  Practice mode: nothing leaves this machine.")
        click.echo("  Ctrl-C stops everything.\n")
        sys.stdout.flush()

    def _watch(self, server: subprocess.Popen[bytes] | None) -> None:
        while not self._stop.wait(0.5):
            self._revive()
            keep_alive(self.settings.data_dir)
            if server is not None and server.poll() is not None:
                click.echo("Valkey died and is started again.", err=True)
                server = start(self.settings.data_dir)
                self._server = server

    def _revive(self) -> None:
        for child in self._children:
            if child.has_died() and child.revive(time.monotonic()):
                click.echo(f"{child.name} died and is started again (time {child.restarts}).", err=True)
                self._note_restart(child)

    def _note_restart(self, child: Child) -> None:
        """The home screen says so. A database that is gone must not stop the restarts."""
        if self._parts is None:
            return
        try:
            with self._parts.open_db() as db:
                heartbeat.note_restart(db, child.name, self._parts.machine_clock())
        except SQLAlchemyError:
            click.echo(f"The restart of {child.name} could not be noted.", err=True)

    def _stop_all(self) -> None:
        """The sandbox last, since a worker may be talking to it."""
        running = [child for child in reversed(self._children) if child.process and child.process.poll() is None]
        for child in running:
            _signal(child, signal.SIGTERM)
        ends = time.monotonic() + STOP_SECONDS
        for child in running:
            try:
                if child.process:
                    child.process.wait(max(0.05, ends - time.monotonic()))
            except subprocess.TimeoutExpired:
                _signal(child, signal.SIGKILL)
        for child in running:
            if child.process:
                child.process.wait()
        if self._server is not None:
            stop(self._server)


def _signal(child: Child, number: signal.Signals) -> None:
    """To the child's whole process group: the web server's own children must not outlive it."""
    if child.process is None:
        return
    try:
        if number is signal.SIGKILL:
            os.killpg(child.process.pid, number)
        else:
            child.process.send_signal(number)
    except ProcessLookupError:
        pass


def _is_taken(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(0.3)
        return probe.connect_ex(("127.0.0.1", port)) == 0


__all__ = ["Child", "Supervisor"]
