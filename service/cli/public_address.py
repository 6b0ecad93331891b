"""Whether our pages are where the providers look for them."""

from service.channels import ChannelError
from service.channels.transport import Transport
from service.rules.retries import Patience


def look_at(public_url: str, patience: Patience) -> tuple[bool, str]:
    """Whether it is well, and what was found."""
    try:
        answer = Transport(patience).call("GET", f"{public_url}/healthz", {}, None)
    except ChannelError as error:
        return False, f"{public_url} does not answer ({error}). Is the proxy running, and its certificate good?"
    if answer.status == 400:
        return False, f"{public_url} answers with 400. Does the proxy pass the address's name on, as Host?"
    if answer.status != 200:
        return False, f"{public_url} answers with {answer.status}. Does the proxy lead to Groupkeeper?"
    return True, "our pages answer there"
