"""The web process: granian, which finishes the requests in hand before it stops. Its HTTP is compiled:
gunicorn's took more of the processor than taking a provider's report did."""

import os
import sys

from service.settings import Settings

CONNECTIONS = 768
"""At once, of each process: Linux allows it 1,024 open files, and the database must not be without."""


def serve(settings: Settings) -> None:
    """Becomes granian. Does not return."""
    os.execv(
        sys.executable,
        [
            *(sys.executable, "-m", "granian", "--interface", "rsgi", "--factory", "service.app:from_environment"),
            *("--host", settings.host, "--port", str(settings.port), "--http", "1", "--no-ws"),
            *("--workers", os.environ.get("WEB_CONCURRENCY", "1"), "--backpressure", str(CONNECTIONS)),
            *("--workers-kill-timeout", "3" if settings.is_practice else "30", "--log-level", "error"),
            *("--respawn-failed-workers", "--respawn-interval", "0.5"),
        ],
    )
