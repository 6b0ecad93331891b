"""X-Twilio-Signature: the sandbox's own signer."""

import base64
import hmac
from collections.abc import Iterable


def sign(token: str, url: str, params: Iterable[tuple[str, str]] = (), algorithm: str = "sha1") -> str:
    """Sign a webhook. The URL is signed as configured, without its fragment."""
    values: dict[str, set[str]] = {}
    for name, value in params:
        values.setdefault(name, set()).add(value)
    fields = (name + value for name in sorted(values) for value in sorted(values[name]))
    text = url.partition("#")[0] + "".join(fields)
    return base64.b64encode(hmac.new(token.encode(), text.encode(), algorithm).digest()).decode()
