"""How long whoever guesses passwords has to wait, and from where they ask."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address

WINDOW = timedelta(hours=1)
"""Failures of an hour count. An hour and not a quarter of it, or the longest wait would forgive what led to it."""
FREE = 10
"""So many failures for one account cost nothing; each one after them doubles the wait."""
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(minutes=15)
FROM_ONE_NETWORK = 100


def account_opens_at(failures: Sequence[datetime]) -> datetime | None:
    """When the next try counts, after these failures of the last hour. None: now."""
    more = len(failures) - FREE
    if more < 0:
        return None
    doubled: int = 2 ** min(more, 10)
    return max(failures) + min(FIRST_WAIT * doubled, LONGEST_WAIT)


def network_opens_at(failures: Sequence[datetime]) -> datetime | None:
    if len(failures) < FROM_ONE_NETWORK:
        return None
    return sorted(failures)[-FROM_ONE_NETWORK] + WINDOW


def network_of(address: str) -> str:
    """An IPv4 address, or the /64 of an IPv6 one: a household has all of it. "" where there is no address."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if not isinstance(ip, IPv6Address):
        return str(ip)
    return str(ip.ipv4_mapped or IPv6Address(int(ip) >> 64 << 64))
