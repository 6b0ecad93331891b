"""What is planned to go wrong."""


class Faults:
    """The plans, in order: the first that matches fires."""

    def list_horizon(self, now: float) -> float:
        """Messages younger than this are not in lists yet."""
        return float("inf")
