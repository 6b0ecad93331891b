"""What the doctor finds out about the address that the providers know."""

import pytest

from service.cli.public_address import look_at
from service.rules.retries import Patience
from tests.stand_ins import standing_in

SOON = Patience(deadline=5.0)


def found(status):
    with standing_in() as server:
        server.answer = lambda asked: asked.say(status, b"")
        return look_at(server.url, SOON)


def test_an_address_at_which_our_pages_answer_is_well():
    assert found(200) == (True, "our pages answer there")


@pytest.mark.parametrize(
    ("status", "words"),
    [(400, "pass the address's name on"), (404, "answers with 404"), (502, "answers with 502"), (301, "with 301")],
)
def test_what_stands_in_the_way_is_said_with_its_mend(status, words):
    is_well, said = found(status)

    assert not is_well
    assert words in said


def test_an_address_at_which_nobody_listens_is_said():
    with standing_in() as server:
        gone = server.url

    assert look_at(gone, SOON)[0] is False
