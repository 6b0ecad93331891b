"""The ledger's row of a message that was taken over."""

import hashlib
import json
from typing import Any

from sandbox.answers import Request
from sandbox.ledger import Ticket
from sandbox.twilio.messages import Text
from sandbox.world import World


def write(world: World, text: Text, request: Request | None = None, **detail: Any) -> Ticket:
    """Write a message down. Without a request, the application answered a text with it."""
    came_by = {} if request is None else _request(request)
    return world.record(
        "accepted",
        text.created,
        provider="twilio",
        provider_id=text.sid,
        account=text.account,
        to_norm=text.to,
        **{"from": text.sender},
        channel_body_sha256=hashlib.sha256(f"sms\n{text.body}".encode()).hexdigest(),
        body=text.body,
        segments=text.segments,
        status_callback=text.callback,
        app_message_id=text.reference,
        direction=text.direction,
        service=text.service,
        detail=json.dumps({"status": text.status, "validity": text.validity, "send_at": text.send_at, **detail}),
        **came_by,
    )


def _request(request: Request) -> dict[str, Any]:
    return {
        "request_sha256": request.sha256,
        "fault": request.fault,
        "user_agent": request.header("User-Agent"),
        "peer_port": request.peer_port,
    }
