"""A process that has everything loaded, and forks a worker for each case, which dies at its place.

`python -m tests.faults.victims` reads a line for each, as FAILPOINT has it, and answers with the signal that ended the
worker, or 0.
"""

import os
import sys
from dataclasses import replace

from service import failpoints
from service.database import connect, opener, reader
from service.flows.deliver import Post, deliver_due
from service.gate import gate_of
from service.models.sealed import Keyring, use_keys
from service.rules.retries import Patience
from service.settings import Settings
from service.wiring import Parts, open_channels
from tests.stopped_clock import StoppedClock

PATIENCE = Patience(deadline=0.5)
"""Seconds of the machine for a call. All other waits follow a clock that the test moves."""


def impatient(parts: Parts) -> Parts:
    """The same, whose calls are cut off sooner."""
    return replace(parts, settings=replace(parts.settings, patience=PATIENCE))


def post(parts: Parts) -> Post:
    return Post(
        open_db=parts.open_db,
        channels=open_channels(parts),
        clock=parts.clock,
        public_url=parts.settings.public_url,
        sender_rate=0,
        data_dir=parts.settings.data_dir,
        gate=gate_of(parts.engine),
        patience=PATIENCE,
    )


def work(parts: Parts) -> None:
    """Send whatever is due, as a worker does it."""
    deliver_due(post(parts), lambda: False)


def main() -> None:
    settings = Settings.from_env(os.environ)
    use_keys(Keyring.parse(settings.field_keys))
    engine = connect(settings.database_url)
    parts = impatient(Parts(settings, engine, StoppedClock(), opener(engine), reader(engine)))
    work(parts)  # the statements are made and the clients loaded: children share them
    print("ready", flush=True)
    for line in sys.stdin:
        engine.dispose()  # a child that shares its parent's connection gets its answers
        child = os.fork()
        if not child:
            failpoints.arm({"FAILPOINT": line.strip()}, True)
            work(parts)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status), flush=True)


if __name__ == "__main__":
    main()
