"""The sandbox as one object: what the command line runs, and what tests start."""

from pathlib import Path

from sandbox import people, recovery, tls
from sandbox.clock import Clock
from sandbox.config import Config
from sandbox.routes import respond
from sandbox.server import HOST, Door
from sandbox.world import World


class Box:
    """A running sandbox. Raises PortTakenError when something else listens on a port."""

    def __init__(
        self,
        folder: Path,
        port: int = 0,
        *,
        seed: int | None = None,
        clock: Clock | None = None,
        app_url: str | None = None,
        tls_port: int | None = None,
    ) -> None:
        config = Config()
        if app_url:
            config.preset(app_url)
        folder.mkdir(parents=True, exist_ok=True)
        self._doors = [Door(lambda request: respond(self.world, request), port)]
        if tls_port is not None:
            self._doors.append(Door(lambda request: respond(self.world, request), tls_port, tls.context(folder)))
        self.world = World(folder, clock or Clock(), seed, config)
        self.world.doors = self._doors
        recovery.restore(self.world)
        people.attach(self.world)
        self.world.start()
        for door in self._doors:
            door.open()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._doors[0].port}"

    @property
    def tls_url(self) -> str:
        return f"https://{HOST}:{self._doors[-1].port}"

    def stop(self) -> None:
        """Hang up on everybody and close the ledger."""
        for door in self._doors:
            door.close()
        self.world.stop()

    def __enter__(self) -> "Box":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
