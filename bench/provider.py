"""The emulator as a process, and what it says was accepted."""

import json
import ssl
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import certifi

from bench import machine

DELAY = 0.05
"""Seconds that a provider takes to answer."""


@dataclass(frozen=True)
class Provider:
    url: str
    certificates: Path
    """Those that are trusted everywhere, and the emulator's own: a store of real size costs what a real one costs."""
    pid: int

    def reset(self, delay: float = DELAY) -> None:
        self._ask(f"reset?delay={delay}", b"")

    def count(self) -> dict[str, int]:
        """accepted, duplicates, peak (requests that waited for an answer at once)."""
        return {name: int(value) for name, value in self._ask("count").items()}

    def accepted(self) -> list[tuple[str, float]]:
        """Each id with its time, in order."""
        return [(str(name), float(at)) for name, at in self._ask("accepted")]

    def wait_for(self, count: int, most: float, quiet: float = 10.0) -> bool:
        """Until so many were accepted. False where it took longer than `most`, or nothing came for `quiet` seconds
        after the first."""
        ends = time.monotonic() + most
        seen, last = 0, time.monotonic()
        while (now := self.count()["accepted"]) < count:
            if now != seen:
                seen, last = now, time.monotonic()
            if time.monotonic() > ends or (seen and time.monotonic() - last > quiet):
                return False
            time.sleep(0.1)
        return True

    @property
    def environ(self) -> dict[str, str]:
        """What the clients of all kinds read."""
        return {
            "TWILIO_API_BASE": self.url,
            "SENDGRID_API_BASE": self.url,
            "SSL_CERT_FILE": str(self.certificates),
            "REQUESTS_CA_BUNDLE": str(self.certificates),
            "NO_PROXY": "127.0.0.1",
        }

    def _ask(self, what: str, body: bytes | None = None) -> Any:
        context = ssl.create_default_context(cafile=str(self.certificates.with_name("cert.pem")))
        request = urllib.request.Request(f"{self.url}/bench/{what}", body, {"Connection": "close"})
        with urllib.request.urlopen(request, timeout=60, context=context) as answer:
            return json.load(answer)


@contextmanager
def provider(folder: Path) -> Iterator[Provider]:
    """A running emulator, with a new certificate in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    said = folder / "emulator.said"
    with machine.running([sys.executable, "-m", "bench.emulator", folder, "--delay", str(DELAY)], {}, said) as made:
        url = _address(said)
        bundle = folder / "trusted.pem"
        bundle.write_bytes(Path(certifi.where()).read_bytes() + (folder / "cert.pem").read_bytes())
        yield Provider(url, bundle, made[0].pid)


def _address(said: Path, most: float = 30.0) -> str:
    ends = time.monotonic() + most
    while time.monotonic() < ends:
        text = said.read_text()
        if text.startswith("https://") and text.endswith("\n"):
            return text.strip()
        time.sleep(0.05)
    raise RuntimeError(f"the emulator did not start: {said.read_text()}")
