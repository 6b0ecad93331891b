"""The command line: `python -m sandbox --port 8001 --data DIR`."""

import argparse
import logging
import signal
import sys
import threading
from pathlib import Path

from sandbox.box import Box
from sandbox.clock import Clock
from sandbox.server import PortTakenError


def main(arguments: list[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT. Returns 2 when it cannot start."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="sandbox: %(message)s")
    over = threading.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda *_: over.set())
    try:
        box = Box(
            options.data,
            options.port,
            seed=options.seed,
            clock=options.clock,
            app_url=options.app_url,
            tls_port=options.tls_port,
        )
    except PortTakenError as error:
        sys.stderr.write(f"Port {error} is taken: stop what listens there, or pass another --port.\n")
        return 2
    sys.stdout.write(f"The provider sandbox and its phone are at {box.url}\n")
    sys.stdout.flush()
    over.wait()
    box.stop()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m sandbox", description="A stand-in for Twilio, SendGrid and people.")
    parser.add_argument("--port", type=int, default=8001, help="where to listen on 127.0.0.1; 0 picks a free port")
    parser.add_argument("--data", type=Path, default=Path("var/sandbox"), help="folder of the ledger")
    parser.add_argument("--seed", type=int, help="makes ids and delays the same in every run")
    parser.add_argument(
        "--clock",
        type=_clock,
        default=Clock(),
        metavar="VIRTUAL@REAL*RATE",
        help="the present, as 2026-03-06T12:00:00Z@2026-11-23T20:00:00Z*600",
    )
    parser.add_argument("--tls-port", type=int, help="listen here over TLS too, with a certificate in DIR/cert.pem")
    parser.add_argument("--app-url", help="the application whose webhooks are called")
    return parser


def _clock(spec: str) -> Clock:
    try:
        return Clock.from_spec(spec)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


if __name__ == "__main__":
    sys.exit(main())
