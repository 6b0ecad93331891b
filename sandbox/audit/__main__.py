"""Judge a ledger without a running sandbox: `python -m sandbox.audit --data DIR`. Exits with 1 if anything is wrong."""

import argparse
import contextlib
import json
import sys
import time
from pathlib import Path

from sandbox import audit
from sandbox.ledger import Ledger


def main() -> int:
    parser = argparse.ArgumentParser("python -m sandbox.audit", description="What the ledger says went wrong.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the ledger")
    parser.add_argument("--expect", type=Path, help="a file with the expectation; else the one kept with the ledger")
    options = parser.parse_args()
    if not (options.data / "ledger.db").exists():
        sys.stderr.write(f"There is no ledger in {options.data}.\n")
        return 2
    expectation = audit.kept(options.data)
    if options.expect:
        expectation = audit.expectation_of(json.loads(options.expect.read_text(encoding="utf-8")))
    with contextlib.closing(Ledger(options.data)) as ledger:
        found = audit.verdict(ledger.rows, expectation, time.time())
    sys.stdout.write(json.dumps(found, indent=2, default=str) + "\n")
    return 0 if found["green"] else 1


if __name__ == "__main__":
    sys.exit(main())
