"""The official clients alone, in a process of their own: what sending costs where nothing is planned or recorded.

`python -m bench.clients NAME COUNT AT_ONCE` prints `{"seconds": ..., "cpu": ...}` of so many messages, connections
made and modules loaded before.
"""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from bench import machine
from bench.peer_runs import BODY
from bench.provider import Provider
from service.channels.side_by_side import each

Send = Callable[[int], Any]
CALLBACK = "https://groups.example.org/webhooks/twilio/status"


@dataclass(frozen=True)
class Alone:
    """What a client took for so many messages. Seconds."""

    count: int
    seconds: float
    cpu: float

    @property
    def rate(self) -> float:
        return self.count / self.seconds

    @property
    def cpu_each(self) -> float:
        """Milliseconds a message."""
        return 1000 * self.cpu / self.count


def run_client(name: str, count: int, at_once: int, provider: Provider, delay: float) -> Alone:
    """One of SENDERS against the provider."""
    provider.reset(delay)
    done = subprocess.run(
        [sys.executable, "-m", "bench.clients", name, str(count), str(at_once)],
        env={**os.environ, **provider.environ},
        cwd=machine.ROOT,
        stdout=subprocess.PIPE,
        check=True,
    )
    said = json.loads(done.stdout)
    return Alone(count, said["seconds"], said["cpu"])


def _texts_on_our_transport() -> Send:
    from service.channels.transport import Transport
    from service.channels.twilio_sms import TwilioSms
    from service.settings import Settings

    settings = Settings.from_env({"TWILIO_API_BASE": os.environ["TWILIO_API_BASE"]})
    messages = TwilioSms(settings.twilio, Transport(settings.patience), CALLBACK)._client.messages
    return lambda number: messages.create(
        to="+12125550100",
        from_=settings.twilio.sender,
        body=BODY,
        status_callback=f"{CALLBACK}?m={number}",
        validity_period=14_400,
    )


def _texts_as_it_comes() -> Send:
    from bench.peers.sending import SENDER, client

    messages = client().messages
    return lambda number: messages.create(
        to="+12125550100", from_=SENDER, body=BODY, status_callback=f"{CALLBACK}?m={number}", validity_period=14_400
    )


def _mails_as_it_comes() -> Send:
    from sendgrid import SendGridAPIClient

    client = SendGridAPIClient("SG.bench", host=os.environ["SENDGRID_API_BASE"])
    return lambda number: client.send(
        {
            "personalizations": [{"to": [{"email": "m@example.org"}], "custom_args": {"mid": str(number)}}],
            "from": {"email": "office@groups.example.org", "name": "Office"},
            "subject": "A message for you",
            "content": [{"type": "text/plain", "value": BODY}],
        }
    )


SENDERS: dict[str, Callable[[], Send]] = {
    "texts on our transport": _texts_on_our_transport,
    "texts as it comes": _texts_as_it_comes,
    "mails as it comes": _mails_as_it_comes,
}


def main() -> None:
    name, count, at_once = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    send = SENDERS[name]()
    _send_all(send, range(-2 * at_once, 0), at_once)
    began, used = time.monotonic(), _used()
    _send_all(send, range(count), at_once)
    print(json.dumps({"seconds": time.monotonic() - began, "cpu": _used() - used}))


def _send_all(send: Send, numbers: Iterable[int], at_once: int) -> None:
    """So many side by side, as a worker does it. The clients as they come, for one alone, send one after the other."""
    left = iter(numbers)

    def send_what_is_left(_: int) -> None:
        for number in left:
            send(number)

    each(send_what_is_left, range(at_once))


def _used() -> float:
    spent = resource.getrusage(resource.RUSAGE_SELF)
    return spent.ru_utime + spent.ru_stime


if __name__ == "__main__":
    main()
