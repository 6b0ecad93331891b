"""Finds a Chromium for the browser tests, or installs one: `python -m tests.browser_install`.

Without one the browser tests are skipped, loudly; where CI is set that is a failure.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge", "microsoft-edge")
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    "/usr/lib/chromium/chromium",
    "/usr/lib64/chromium-browser/chromium-browser",
    "/snap/bin/chromium",
    "/opt/google/chrome/chrome",
)
INSTALL_SECONDS = 600


def find_browser() -> str | None:
    """The path of a Chromium or Chrome; BROWSER_PATH names one that stands elsewhere."""
    given = os.environ.get("BROWSER_PATH")
    found = [given] if given else []
    found += [path for name in NAMES if (path := shutil.which(name))]
    found += PLACES
    return next((path for path in found if Path(path).is_file() and os.access(path, os.X_OK)), None)


def install() -> str | None:
    """What went wrong, in a sentence; None where it was installed."""
    if shutil.which("apt-get") is None:
        return "There is no apt-get here. Install Chromium or Chrome by hand, or set BROWSER_PATH."
    if os.geteuid() != 0:
        return "Not root. Run: sudo apt-get install chromium"
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", "chromium"]):
        try:
            done = subprocess.run(
                step, env=environ, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"{' '.join(step)} failed: {type(error).__name__}."
        if done.returncode:
            return f"{' '.join(step)} failed: {done.stderr.strip()[-300:]}"
    return None


def main() -> int:
    """0, also without a browser; 1 without one where CI is set."""
    found = find_browser()
    if found is None:
        print("No Chromium or Chrome found: trying to install one ...", flush=True)
        problem = install()
        found = find_browser()
        if found is None:
            print("=" * 78, file=sys.stderr)
            print("NO BROWSER: the browser tests WILL BE SKIPPED.", file=sys.stderr)
            print(problem or "Chromium was installed, and cannot be found.", file=sys.stderr)
            print("=" * 78, file=sys.stderr)
            return 1 if os.environ.get("CI") else 0
    print(f"Browser tests use {found}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
