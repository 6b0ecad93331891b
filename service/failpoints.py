"""Places at which a test makes this process die, stop or fail: `FAILPOINT=before_call`, or `before_call:3:stop`.

`name[:nth][:what]`: at the nth time the place is reached, once. Only where nobody else can reach us.
"""

import os
import signal
import threading
from collections.abc import Mapping
from enum import StrEnum

from service.environment import SettingsError


class What(StrEnum):
    KILL = "kill"
    """SIGKILL: nothing is tidied up."""
    STOP = "stop"
    """SIGSTOP: frozen until somebody sends SIGCONT."""
    TERM = "term"
    """SIGTERM: asked to end, at the worst moment."""
    RAISE = "raise"


PLACES = (
    *("leased", "before_mark_commit", "marked", "before_call", "answered"),
    *("before_record", "before_record_commit", "recorded"),
)
"""On the way of a message, in this order."""


class Failed(Exception):
    """A fail-point was reached that is to fail."""


class _Armed:
    def __init__(self) -> None:
        self.name = ""
        self.left = 0
        self.what = What.KILL
        self.lock = threading.Lock()


_armed = _Armed()


def arm(environ: Mapping[str, str], is_on_this_machine: bool) -> None:
    """Read FAILPOINT. Raises SettingsError where it names no place, or where others could reach us."""
    text = environ.get("FAILPOINT", "")
    name, _, rest = text.partition(":")
    nth, _, what = rest.partition(":")
    if not text:
        _armed.name = ""
        return
    if not is_on_this_machine:
        raise SettingsError(["FAILPOINT is for tests on this machine: remove it, or remove PUBLIC_URL."])
    if name not in PLACES or not (nth or "1").isdecimal() or (what or "kill") not in tuple(What):
        raise SettingsError([f"FAILPOINT must look like marked or marked:3:stop, with one of: {', '.join(PLACES)}."])
    _armed.name, _armed.left, _armed.what = name, int(nth or 1), What(what or "kill")


def reach(name: str) -> None:
    """A place on the way. Nothing happens unless it was armed."""
    if name != _armed.name:
        return
    with _armed.lock:
        _armed.left -= 1
        is_now = _armed.left == 0
    if is_now:
        _fail(_armed.what)


def _fail(what: What) -> None:
    if what is What.RAISE:
        raise Failed
    os.kill(os.getpid(), signal.Signals[f"SIG{what.name}"])
