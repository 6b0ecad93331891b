"""Operators' commands. A mistake of the user's is one sentence on standard error, never a traceback."""

import sys

from service.cli import audit, data, demo, doctor, erase, look, processes, staff  # noqa: F401  they add their commands to the root
from service.cli.root import root


def main() -> None:
    """Exit codes: 0 done, 1 the thing asked for failed, 2 wrong usage or settings."""
    sys.exit(root(prog_name="groupkeeper"))
