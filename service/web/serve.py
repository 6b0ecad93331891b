"""The web process: granian with threads, which finishes the requests in hand before it stops. Its HTTP is compiled:
gunicorn's took more of the processor than taking a provider's report did."""

import os
import sys

from service.settings import Settings

THREADS = 16
"""Of each process. Reports that wait for the same commit hold one each, and pages must not wait for them."""


def serve(settings: Settings) -> None:
    """Becomes granian. Does not return."""
    os.execv(
        sys.executable,
        [
            *(sys.executable, "-m", "granian", "--interface", "wsgi", "--factory", "service.app:from_environment"),
            *("--host", settings.host, "--port", str(settings.port), "--http", "1", "--no-ws"),
            *("--workers", os.environ.get("WEB_CONCURRENCY", "1"), "--blocking-threads", str(THREADS)),
            *("--workers-kill-timeout", "3" if settings.is_practice else "30", "--log-level", "error"),
            *("--respawn-failed-workers", "--respawn-interval", "0.5"),
        ],
    )
