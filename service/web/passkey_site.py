"""The host that passkeys are bound to: the public one, or localhost."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from flask import request

from service.flows.passkeys import Site
from service.web import parts


def passkey_site() -> Site | None:
    """Of the page that is asked for. None: browsers make no passkeys for a bare IP address, nor without https."""
    public = urlsplit(parts().settings.public_url)
    host = request.host.partition(":")[0]  # one of TRUSTED_HOSTS
    if host == "localhost":
        return Site(host, f"http://{request.host}")
    if host != public.hostname or public.scheme != "https" or _is_address(host):
        return None
    return Site(host, f"{public.scheme}://{public.netloc}")


def localhost_url() -> str | None:
    """Where this machine's pages may be opened so that passkeys work, or None where they are not on this machine."""
    settings = parts().settings
    return f"http://localhost:{settings.port}" if settings.is_practice and settings.is_on_this_machine else None


def _is_address(host: str) -> bool:
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
