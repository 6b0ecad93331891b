"""What sending needs, made once in each process, after the fork."""

import os
from functools import cache

from jobs import parts
from service.flows.deliver import Post


def post() -> Post:
    return _post_of(os.getpid())


@cache
def _post_of(pid: int) -> Post:
    return parts().post()
