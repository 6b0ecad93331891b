"""Whether our pages are where the providers look for them, and what stands before them keeps out what it must."""

from service.channels import ChannelError
from service.channels.transport import Transport
from service.rules.retries import Patience

UNDERSCORED = "X_Forwarded_Host"
"""To a web application the same name as `X-Forwarded-Host`, whoever wrote it: ours refuses what it is called there."""
FOREIGN = "foreign.invalid"


def look_at(public_url: str, patience: Patience) -> tuple[bool, str]:
    """Whether it is well, and what was found."""
    try:
        answer = Transport(patience).call("GET", f"{public_url}/healthz", {UNDERSCORED: FOREIGN}, None)
    except ChannelError as error:
        return False, f"{public_url} does not answer ({error}). Is the proxy running, and its certificate good?"
    if answer.status == 400:
        return False, "the proxy lets headers with an underscore through. Have it drop them: README, Going live."
    if answer.status != 200:
        return False, f"{public_url} answers with {answer.status}. Does the proxy lead to Groupkeeper?"
    return True, "our pages answer there"
