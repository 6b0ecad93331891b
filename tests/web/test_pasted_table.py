"""Lines of members, as somebody pastes them."""

import time

from service.web.forms import pasted_table


def test_a_long_line_of_nonsense_holds_up_nobody():
    began = time.monotonic()
    pasted_table(f"Ana {'@' * 60_000} b")

    assert time.monotonic() - began < 5, "a minute, where the time grows with the square"
