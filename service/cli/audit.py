"""Whether what is only added to is still as it was written."""

import click

from service.cli.root import Failed, root, with_parts
from service.flows import chains
from service.wiring import Parts


@root.group("audit")
def audit_group() -> None:
    """The ledgers of consents and of what staff did."""


@audit_group.command("verify")
@with_parts
def verify_command(parts: Parts) -> None:
    """Follow both chains from their first row. Exit code 1 where a row was changed or taken away, and which."""
    with parts.read_db() as db:
        found = chains.verify(db)
    for chain in found:
        click.echo(chain.words, err=chain.first_bad is not None)
    if any(chain.first_bad is not None for chain in found):
        raise Failed("The ledgers are not as they were written.")
