"""The web process: gunicorn with threads, which finishes the requests in hand before it stops."""

import os
import sys

from service.settings import Settings


def serve(settings: Settings) -> None:
    """Becomes gunicorn. Does not return."""
    os.execv(
        sys.executable,
        [
            *(sys.executable, "-m", "gunicorn", "service.app:from_environment()"),
            *("--bind", f"{settings.host}:{settings.port}"),
            *("--worker-class", "gthread", "--workers", os.environ.get("WEB_CONCURRENCY", "1"), "--threads", "8"),
            *("--graceful-timeout", "3" if settings.is_practice else "30", "--timeout", "60", "--keep-alive", "5"),
            *("--log-level", "warning", "--no-control-socket"),
        ],
    )
