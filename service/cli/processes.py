"""One process each: what the Procfile names, and `run`, which is all of them."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

import click

from service.cli.root import Failed, root, settings
from service.clock import join
from service.supervisor import Supervisor
from service.wiring import prepare_data_dir

CHECKOUT = Path(__file__).parents[2]


@root.command("run")
@click.option("--port", type=click.IntRange(1, 65535), help="Where the pages are.  [default: PORT, or 8000]")
def run_command(port: int | None) -> None:
    """Everything: database, Valkey, sandbox, web, worker, clock. Ctrl-C stops all of it."""
    if port is not None:
        os.environ["PORT"] = str(port)
    sys.exit(Supervisor(settings()).run())


@root.command("web")
def web_command() -> None:
    """The pages and webhooks."""
    from service.web.serve import serve

    serve(settings())


@root.command("worker")
def worker_command() -> None:
    """Sends what is handed out."""
    _become("jobs.worker")


@root.command("clock")
def clock_command() -> None:
    """Plans, hands out what is due, and does the chores."""
    _become("jobs.clock")


@root.command("sandbox")
def sandbox_command() -> None:
    """Plays Twilio, SendGrid and the members' phones, on this machine only."""
    given = settings()
    prepare_data_dir(given)
    clock = join(given.clock, given.data_dir)
    arguments = ["--port", str(given.sandbox_port), "--data", str(given.data_dir / "sandbox")]
    arguments += ["--app-url", given.public_url]
    if clock.spec():
        arguments += ["--clock", clock.spec()]
    _become("sandbox", *arguments)


@root.command("bench", context_settings={"ignore_unknown_options": True})
@click.argument("names", nargs=-1, metavar="[NAME]...")
def bench_command(names: tuple[str, ...]) -> None:
    """Measure what docs/performance.md promises; `--list` says what there is. Needs a checkout."""
    if not (CHECKOUT / "bench").is_dir():
        raise Failed("The benchmarks are not part of the installed package. Run them in a checkout: make bench")
    if find_spec("pytest") is None:
        raise Failed("The benchmarks need what the tests need. Run: make setup-dev")
    os.chdir(CHECKOUT)
    _become("bench", *names)


def _become(module: str, *arguments: str) -> None:
    """The queue and the sandbox are above and beside us: we do not import them, we become them."""
    settings()  # a wrong setting is said here, once, before anything starts
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])
