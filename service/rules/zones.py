"""Time zones by the names that were stored: a place may leave the tables of a machine after it was chosen."""

from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


@cache
def known_zone(name: str | None) -> ZoneInfo | None:
    """None where there is no name, or no such place any more."""
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
