"""The command line: `python -m tests.chaos --profile ci --database sqlite`. Exits with 1 where a gate fails."""

import argparse
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from tests.chaos import gates
from tests.chaos.arena import Arena
from tests.chaos.evidence import Folder
from tests.chaos.planted import BUGS
from tests.chaos.profiles import PROFILES, Profile
from tests.chaos.run import Run


def main() -> int:
    options = _parser().parse_args()
    if options.database == "both" and not options.peer:
        return _both(PROFILES[options.profile].side_by_side)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    logging.basicConfig(level=logging.ERROR)
    folder = Folder(options.keep or Path(tempfile.mkdtemp(prefix="chaos-")))
    folder.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    seed = options.seed if options.seed is not None else int(time.time())
    if options.peer:
        from tests.chaos.peers import PeerArena

        arena: Arena = PeerArena(folder, _profile(options), options.peer, "", seed)
    else:
        arena = Arena(folder, _profile(options), options.database, options.planted, seed)
    found, lines = Run(arena).play()
    wrong = gates.broken(found, with_times="CI" not in os.environ)
    print(json.dumps({"profile": options.profile, **found, "broken": wrong}), flush=True)
    if wrong:
        print(f"{options.database}, seed {seed}: {', '.join(wrong)}. The evidence is in {folder.path}.")
        print("\n".join(lines))
    elif not options.keep:
        shutil.rmtree(folder.path, ignore_errors=True)
    return 1 if wrong else 0


def _both(side_by_side: bool) -> int:
    """A process for each database, with the same arguments."""
    kept = [one for one in sys.argv[1:] if one != "both" and one != "--database"]
    commands = [[sys.executable, "-m", "tests.chaos", *kept, "--database", one] for one in ("sqlite", "postgresql")]
    if not side_by_side:
        return max([subprocess.run(command, check=False).returncode for command in commands])
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for command in commands]
    for one in running:
        print(one.communicate()[0], end="", flush=True)
    return max(one.returncode for one in running)


def _profile(options: argparse.Namespace) -> Profile:
    """The profile, with as many messages and as many a second as were asked for."""
    profile = PROFILES[options.profile]
    messages = options.messages or profile.messages
    seconds = messages / (options.rate or profile.rate)
    share = seconds / profile.seconds
    counts = ("kills", "freezes", "flushes", "valkey_downs", "database_restarts", "outages")
    fewer = {name: max(1, round(getattr(profile, name) * share)) for name in counts}
    fewer["kills"] = options.kills or fewer["kills"]
    return replace(profile, messages=messages, seconds=seconds, sender_rate=options.sender_rate, **fewer)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m tests.chaos", description="Breaks the service, and judges it.")
    parser.add_argument("--profile", choices=PROFILES, default="ci")
    parser.add_argument("--database", choices=("both", "sqlite", "postgresql"), default="both")
    parser.add_argument("--seed", type=int, help="the same faults, changes and kills again")
    parser.add_argument("--planted", choices=("", *BUGS), default="", help="run with a bug, to see that it is found")
    parser.add_argument("--peer", help="judge a usual design instead: a name of bench/peers, or NAME-when-due")
    parser.add_argument("--messages", type=int, help="how many; kills and other faults grow with the time it takes")
    parser.add_argument("--kills", type=int, help="how many processes are killed")
    parser.add_argument("--rate", type=float, help="messages a second")
    parser.add_argument("--sender-rate", type=float, default=0.0, help="segments a second of the number; 0: no limit")
    parser.add_argument("--keep", type=Path, help="leave the evidence in this folder")
    return parser


if __name__ == "__main__":
    sys.exit(main())
