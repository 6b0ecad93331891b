"""What every test may ask for. Flow tests run on SQLite and on a real PostgreSQL."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from playwright.sync_api import Browser, sync_playwright
from sqlalchemy import Engine

from service.channels.console import Console
from service.database import connect, opener, reader
from service.flows.deliver import Post
from service.gate import gate_of
from service.models.sealed import Keyring, use_keys
from service.rules.consent import Channel
from service.settings import Settings
from service.upgrade import upgrade
from service.wiring import Parts
from tests import builders, postgres
from tests.browser_install import find_browser
from tests.cluster import NoPostgresError
from tests.stand_ins import Sandbox, StandIn, running_sandbox, standing_in
from tests.stopped_clock import StoppedClock

hypothesis.settings.register_profile("here", deadline=None, database=None)
hypothesis.settings.register_profile("ci", deadline=None, database=None, derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "here")

CALM = (
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--no-first-run"),
)
FIELD_KEYS = "k1:" + "A" * 43 + "="
SECRET_KEY = "a secret key of the tests, and of nobody else"


def pytest_configure_node(node: Any) -> None:
    """To each worker: which process ends the run, and the folder that all of them share."""
    node.workerinput["controller"] = os.getpid()
    node.workerinput["shared"] = str(node.config._tmp_path_factory.getbasetemp())


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Also after Ctrl-C. The workers are done by now."""
    if not hasattr(session.config, "workerinput"):
        postgres.stop_server(Path(session.config._tmp_path_factory.getbasetemp()))


@pytest.fixture(scope="session")
def postgres_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    told = getattr(request.config, "workerinput", {})
    folder = Path(told["shared"]) if told else tmp_path_factory.getbasetemp()
    try:
        return postgres.server_url(folder, told.get("controller", os.getpid()))
    except NoPostgresError as error:
        if os.environ.get("CI"):
            pytest.fail(f"CI must test on PostgreSQL. {error}", pytrace=False)
        pytest.skip(f"NOT TESTED ON POSTGRESQL. {error}")


@pytest.fixture(scope="session")
def worker_name(request: pytest.FixtureRequest) -> str:
    return getattr(request.config, "workerinput", {}).get("workerid", "alone")


@pytest.fixture(scope="session")
def postgres_database(postgres_server: str, worker_name: str) -> str:
    return postgres.create_database(postgres_server, f"groupkeeper_test_{worker_name}")


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template")
    engine = connect(f"sqlite:///{folder / 'template.db'}")
    upgrade(engine, folder)
    engine.dispose()
    return folder / "template.db"


@pytest.fixture(scope="session")
def sqlite_engine(sqlite_template: Path) -> Iterator[Engine]:
    """One engine for all tests of a worker: it keeps the statements that it has compiled."""
    engine = connect(f"sqlite:///{sqlite_template.with_name('groupkeeper.db')}")
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def postgres_engine(postgres_database: str) -> Iterator[Engine]:
    engine = connect(postgres_database)
    yield engine
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A migrated, empty database: first SQLite, then PostgreSQL. A test of one of them alone says `on_sqlite`."""
    if request.param == "postgresql":
        postgres.empty(request.getfixturevalue("postgres_engine"))
        return str(request.getfixturevalue("postgres_database"))
    engine: Engine = request.getfixturevalue("sqlite_engine")
    engine.dispose()  # nobody may hold the file that is replaced
    template: Path = request.getfixturevalue("sqlite_template")
    for path in template.parent.glob("groupkeeper.db*"):
        path.unlink()
    shutil.copy(template, template.with_name("groupkeeper.db"))
    return engine.url.render_as_string()


@pytest.fixture
def engine(request: pytest.FixtureRequest, database_url: str) -> Engine:
    name = "sqlite_engine" if database_url.startswith("sqlite") else "postgres_engine"
    shared: Engine = request.getfixturevalue(name)
    return shared


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "var"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
def environ(database_url: str, data_dir: Path) -> dict[str, str]:
    return {
        "DATA_DIR": str(data_dir),
        "DATABASE_URL": database_url,
        "FIELD_KEYS": FIELD_KEYS,
        "SECRET_KEY": SECRET_KEY,
        "SENDER_RATE": "0",
    }


@pytest.fixture(autouse=True)
def field_keys() -> Keyring:
    """The keys of the tests, whatever the test before did to them."""
    keyring = Keyring.parse(FIELD_KEYS)
    use_keys(keyring)
    return keyring


@pytest.fixture
def parts(environ: dict[str, str], engine: Engine, clock: StoppedClock) -> Parts:
    """The parts of a process, on a database with a practice in it, by a clock that stands still."""
    made = Parts(
        settings=Settings.from_env(environ),
        engine=engine,
        clock=clock,
        open_db=opener(engine),
        read_db=reader(engine),
    )
    with made.open_db() as db:
        builders.practice(db)
    return made


@pytest.fixture
def texts() -> Console:
    """The fake that keeps texts."""
    return Console("+15005550006")


@pytest.fixture
def mails() -> Console:
    """The fake that keeps mails. As SendGrid, it cannot be asked."""
    console = Console("office@groups.example.org")
    console.can_look_up = False
    return console


@pytest.fixture
def post(parts: Parts, texts: Console, mails: Console, data_dir: Path) -> Post:
    """What delivering needs, with channels that keep what they are given."""
    return Post(
        open_db=parts.open_db,
        channels={Channel.SMS: texts, Channel.EMAIL: mails},
        clock=parts.clock,
        public_url="https://groups.example.org",
        sender_rate=0,
        data_dir=data_dir,
        gate=gate_of(parts.engine),
    )


@pytest.fixture(scope="session")
def sandbox_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(sandbox_process: Sandbox) -> Sandbox:
    """A real sandbox, as new."""
    sandbox_process.reset()
    return sandbox_process


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    with standing_in() as server:
        yield server


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A real Chromium, one a worker: Playwright starts only once in a process."""
    path = find_browser()
    if path is None:
        say = pytest.fail if os.environ.get("CI") else pytest.skip
        say("NO BROWSER: no page was walked. Run: python -m tests.browser_install")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=list(CALM))
        yield chromium
        chromium.close()
