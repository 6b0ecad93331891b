"""The sandbox's own API: time, configuration, starting over, waiting."""

import json

import pytest

from sandbox import config
from sandbox.clock import Agenda, Clock

ALICE = "+12025550143"


def test_time_passes_only_when_it_is_told_to(sandbox):
    before = sandbox.get("clock")["now"]
    assert sandbox.get("clock")["now"] == before

    assert sandbox.post("clock", {"advance": 90})["now"] == before + 90


def test_a_clock_can_run_faster():
    clock = Clock(virtual=1000.0, rate=1000.0)
    Clock.set_rate(clock, 0)
    stopped = clock.now()

    assert clock.now() == stopped >= 1000.0


def test_a_clock_is_read_from_its_anchor():
    clock = Clock.from_spec("2026-03-06T12:00:00Z@2026-11-23T20:00:00Z*0")

    assert clock.now() == Clock.from_spec("2026-03-06T12:00:00+00:00@2001-01-01T00:00:00Z*0").now()


def test_what_is_due_is_done_in_order_and_told_when_it_was_due():
    clock = Clock(virtual=0.0, rate=0)
    agenda = Agenda(clock)
    done = []
    for moment in (30.0, 10.0, 20.0):
        agenda.at(moment, lambda due: done.append(due))
    agenda.at(10.0, lambda due: agenda.at(due + 5, lambda later: done.append(later)))
    agenda.start()
    clock.advance(25)
    agenda.wake()

    assert agenda.settle(10)
    assert done == [10.0, 15.0, 20.0]
    agenda.stop()


def test_something_that_breaks_does_not_stop_what_comes_after(caplog):
    clock = Clock(virtual=0.0, rate=0)
    agenda = Agenda(clock)
    done = []
    agenda.at(1.0, lambda _due: 1 / 0)
    agenda.at(2.0, done.append)
    agenda.start()
    clock.advance(3)
    agenda.wake()

    assert agenda.settle(10)
    assert done == [2.0]
    assert "broke" in caplog.text
    agenda.stop()


def test_quiet_is_waited_for(sandbox, text):
    text()

    assert not sandbox.get("quiesce", timeout=0.05)["quiet"]
    assert sandbox.get("quiesce", timeout=30, ahead=600) == {"quiet": True, "pending": 0, "in_flight": 0}


def test_what_lies_beyond_the_horizon_is_not_waited_for(sandbox, mail):
    mail("late-bounce@a.sandbox.test")
    told = sandbox.get("quiesce", timeout=30, ahead=3600)

    assert (told["quiet"], told["pending"]) == (True, 1)


def test_a_reset_forgets_everything_but_the_configuration(sandbox, text, mail, twilio):
    sandbox.post("config", {"strict": True})
    text()
    mail("bounce@a.sandbox.test")
    sandbox.settle()
    sandbox.post("reset", {"seed": 5})

    assert sandbox.accepted() == []
    assert twilio.messages.list() == []
    state = sandbox.get("state")
    assert (state["texts"], state["mails"], state["pending"], state["suppressed"]["bounces"]) == (0, 0, 0, [])
    assert sandbox.box.world.config.strict


def test_a_reset_can_set_the_clock(sandbox):
    sandbox.post("reset", {"now": "2027-01-01T00:00:00Z"})

    assert sandbox.get("clock")["now"] == 1_798_761_600


def test_the_same_seed_gives_the_same_names(sandbox, text):
    names = []
    for _ in range(2):
        sandbox.post("reset", {"seed": 5})
        names.append(text().sid)

    assert names[0] == names[1]


def test_an_unknown_setting_is_refused_and_nothing_is_set(sandbox):
    assert sandbox.refusal("POST", "config", {"strict": True, "colour": "red"}) == "not known: colour"
    assert not sandbox.box.world.config.strict


def test_webhooks_follow_from_the_address_of_the_application(sandbox):
    sandbox.post("config", {"app_url": "http://127.0.0.1:5000/"})

    assert sandbox.box.world.config.inbound_url == "http://127.0.0.1:5000/webhooks/twilio/inbound"
    assert sandbox.box.world.config.events_url == "http://127.0.0.1:5000/webhooks/sendgrid/events"
    assert sandbox.box.world.config.parse_url == "http://127.0.0.1:5000/webhooks/sendgrid/inbound"


def test_the_ledger_can_be_read_line_by_line(sandbox, text):
    text()
    from urllib.request import urlopen

    with urlopen(f"{sandbox.url}/_sandbox/ledger.jsonl", timeout=10) as answer:
        lines = [json.loads(line) for line in answer]

    assert {line["table"] for line in lines} >= {"accepted"}


def test_the_ledger_can_be_read_from_where_one_left_off(sandbox, text):
    text()
    seen = sandbox.accepted()[-1]["seq"]
    second = text(body="Another one")

    assert [row["provider_id"] for row in sandbox.get("ledger", since=seen)["accepted"]] == [second.sid]


@pytest.mark.parametrize(
    ("path", "told"),
    [("inbound/sms", {"body": "C"}), ("inbound/email", {"to": "a@b.example"}), ("inbound/email", {"sample": "none"}),
     ("inbound/email", {"from": "a@b.example", "to": "b@c.example", "colour": 1}), ("events/SM0", {"status": "sent"})],
)  # fmt: skip
def test_what_a_test_asks_for_in_vain_is_told(sandbox, path, told):
    assert sandbox.refusal("POST", path, told)


def test_the_credentials_are_the_designed_ones():
    assert config.ACCOUNT == "AC" + "0" * 32
    assert (config.TOKEN, config.API_SECRET, config.NUMBER) == ("12345", "secret", "+15005550006")
    assert config.API_KEY == "SK" + "0" * 31 + "1"
    assert config.SENDGRID_KEY == "SG.sandbox.key"
