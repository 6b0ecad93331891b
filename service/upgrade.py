"""The database is brought to the version that this code knows. One process does it, others wait."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

LOCK = 4_771_023
"""Our advisory lock on PostgreSQL."""


class WrongVersion(Exception):
    """The database is not of the version that this code works with. The text says what to do."""


def upgrade(engine: Engine, data_dir: Path) -> None:
    """Apply every migration that is missing, in one transaction. Safe to repeat; waits for one that runs already.

    Raises WrongVersion for a database of a newer version.
    """
    with _alone(engine, data_dir), engine.begin() as connection:
        _refuse_newer(connection)
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def check(engine: Engine) -> None:
    """Raises WrongVersion where the database is older or newer than this code."""
    with engine.execution_options(read_only=True).connect() as connection:
        _refuse_newer(connection)
        if _current(connection) != _head():
            raise WrongVersion("The database is older than this version. Run `groupkeeper upgrade` first.")


def _refuse_newer(connection: Connection) -> None:
    current = _current(connection)
    known = {revision.revision for revision in _scripts().walk_revisions()}
    if current is not None and current not in known:
        raise WrongVersion(
            "The database was made by a newer version of Groupkeeper. Install that version, or restore a backup."
        )


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _head() -> str | None:
    return _scripts().get_current_head()


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


@contextmanager
def _alone(engine: Engine, data_dir: Path) -> Iterator[None]:
    if engine.dialect.name == "postgresql":
        with engine.connect() as holder:
            holder.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
            yield
            holder.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": LOCK})
        return
    with (data_dir / "upgrade.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
