"""Every sequence of so many operations, from one moment on. Where two sequences lead to the same world, it is looked at
once."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.faults.judge import violations
from tests.faults.operations import OPERATIONS, Start, apply
from tests.faults.world import World


@dataclass
class Reach:
    """What a search came to see."""

    moves: Counter[tuple[str, str]] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    sequences: int = 0
    worlds: int = 0

    def note(self, world: World) -> None:
        self.worlds += 1
        self.moves.update((event.was, event.now) for event in world.events() if event.by != "stranger")
        self.outcomes.update(str(outcome) for outcome in world.provider.met)


def search(
    world: World, start: Start, depth: int, reach: Reach, first: Sequence[str] = tuple(OPERATIONS)
) -> Iterator[tuple[str, ...]]:
    """Yields what is wrong, and the sequence that leads there: the shorter ones first."""
    start.lead(world)
    seen = {world.digest()}
    level = [((), world.keep())]
    reach.sequences += len(first) * len(OPERATIONS) ** (depth - 1)
    for left in range(depth, 0, -1):
        following = []
        for path, kept in level:
            for name in OPERATIONS if path else first:
                world.put_back(kept)
                apply(world, name)
                digest = world.digest()
                if digest in seen:
                    continue
                seen.add(digest)
                here = (*path, name)
                if left > 1:
                    following.append((here, world.keep()))
                for what in violations(world):
                    yield (what, *here)
                reach.note(world)
        level = following
