"""Bugs put into the service on purpose, to see that a run finds them. No code of the service knows of this.

`python -m tests.chaos.planted BUG web|worker|clock` patches one function and then runs the service's own command.
"""

BUGS: dict[str, object] = {}
