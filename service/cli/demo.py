"""A believable practice for a first look."""

import click

from service.cli.progress import progress
from service.cli.root import Failed, root, with_parts
from service.flows.example import STEPS, NotEmpty, fill
from service.flows.plan import plan
from service.wiring import Parts


@root.command("demo")
@with_parts
def demo_command(parts: Parts) -> None:
    """Fill an empty database: 3 groups, 24 members, replies. A reminder goes out within a minute."""
    if not parts.settings.is_practice:
        raise Failed("The demo is for practice mode only: its members are not real.")
    try:
        with parts.open_db() as db, progress("Filling the practice", STEPS) as step:
            fill(db, parts.clock(), step)
            plan(db, parts.clock())
    except NotEmpty as error:
        raise Failed(str(error)) from error
    click.echo("3 groups with 24 members are there. A reminder goes out within a minute.")
