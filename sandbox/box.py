"""The sandbox as one object: what the command line runs, and what tests start."""

from pathlib import Path

from sandbox.clock import Clock
from sandbox.config import Config
from sandbox.routes import respond
from sandbox.server import HOST, Door
from sandbox.world import World


class Box:
    """A running sandbox. Raises PortTakenError when something else listens on the port."""

    def __init__(
        self,
        folder: Path,
        port: int = 0,
        *,
        seed: int | None = None,
        clock: Clock | None = None,
        app_url: str | None = None,
    ) -> None:
        config = Config()
        if app_url:
            config.preset(app_url)
        self.door = Door(lambda request: respond(self.world, request), port)
        self.world = World(folder, clock or Clock(), seed, config)
        self.world.start()
        self.door.open()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.door.port}"

    def stop(self) -> None:
        """Hang up on everybody and close the ledger."""
        self.door.close()
        self.world.stop()

    def __enter__(self) -> "Box":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
