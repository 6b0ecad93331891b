"""The one kind of job there is. Whoever can write to Redis can name any function: this one refuses all but ours."""

from typing import Any

from rq.job import Job

ALLOWED = "jobs.messages.send"


class ForeignJob(Exception):
    """A job that is not ours was found in the queue."""


class OnlySend(Job):
    """Runs `jobs.messages.send`, and nothing else: no other function, no callbacks, no webhooks."""

    @property
    def func(self) -> Any:
        if self.func_name != ALLOWED or self.instance is not None or self.args or self.kwargs:
            raise ForeignJob("refused a job that is not ours")
        return super().func

    @property
    def success_callback(self) -> None:
        return None

    @property
    def failure_callback(self) -> None:
        return None

    @property
    def stopped_callback(self) -> None:
        return None

    def send_webhooks(self, *arguments: object, **named: object) -> None:
        return
