"""How far long work has come: a bar on a terminal, a plain line every few seconds elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

EVERY = 3.0


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[], None]]:
    """Call what it yields once for each thing done."""
    if sys.stderr.isatty():
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(what, total=total)
            yield lambda: bar.advance(task)
        return
    yield _plain(what, total)


def _plain(what: str, total: int) -> Callable[[], None]:
    done, told_at = 0, time.monotonic()

    def step() -> None:
        nonlocal done, told_at
        done += 1
        if time.monotonic() - told_at >= EVERY:
            told_at = time.monotonic()
            click.echo(f"{what}: {done} of {total}", err=True)

    return step
