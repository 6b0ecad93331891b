"""The root of the commands: how they get their parts, and how they fail."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, NoReturn

import click
from click.exceptions import Abort, ClickException
from sqlalchemy.exc import OperationalError

from service.embedded import NoValkey
from service.settings import Settings, SettingsError
from service.upgrade import WrongVersion, check
from service.wiring import Parts, build, read_settings


class Failed(ClickException):
    """The thing asked for could not be done."""

    exit_code = 1

    def show(self, file: Any = None) -> None:
        click.echo(self.message, err=True)


class _Root(click.Group):
    """Turns what a user can get wrong into sentences."""

    def main(self, *arguments: Any, **options: Any) -> NoReturn:
        options["standalone_mode"] = False
        try:
            code = self._exit_code(lambda: super(_Root, self).main(*arguments, **options))
            sys.stdout.flush()
        except BrokenPipeError:  # `groupkeeper queue | head`: whoever read has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = 1
        sys.exit(code)

    def _exit_code(self, do: Callable[[], Any]) -> int:
        try:
            return int(do() or 0)
        except SettingsError as error:
            click.echo("These settings need mending:", err=True)
            for problem in error.problems:
                click.echo(f"  {problem}", err=True)
            return 2
        except (WrongVersion, NoValkey) as error:
            click.echo(str(error), err=True)
            return 1
        except OperationalError:
            click.echo("The database cannot be reached. Is it running, and is DATABASE_URL right?", err=True)
            return 1
        except (ClickException, click.exceptions.Exit) as error:
            if isinstance(error, ClickException):
                error.show()
            return error.exit_code
        except (Abort, KeyboardInterrupt):
            click.echo("Stopped.", err=True)
            return 1


@click.group(cls=_Root, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def root() -> None:
    """Groupkeeper: reminders, reflections and check-ins for therapy groups."""


def settings() -> Settings:
    return read_settings()


@contextmanager
def opened() -> Iterator[Parts]:
    """The parts for one command, on a database of the right version."""
    parts = build(read_settings(), stays=False)
    try:
        check(parts.engine)
        yield parts
    finally:
        parts.engine.dispose()


def with_parts(command: Callable[..., None]) -> Callable[..., None]:
    """Hands the parts to a command as its first argument."""

    @wraps(command)
    def run(*arguments: Any, **options: Any) -> None:
        with opened() as parts:
            command(parts, *arguments, **options)

    return run


__all__ = ["Failed", "opened", "root", "settings", "with_parts"]
