"""Blanking goes on however often something dies or fails on the way, and staff are told of what stays."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from jobs import upkeep
from service.channels import Ambiguous, ChannelDown, NotAccepted, Refused, Unfinished
from service.flows import blank
from service.flows.pace import pause
from service.models import Member, ProviderCopy
from tests.builders import NOW
from tests.flows.blank.conftest import DAY, left, remove, sent


def waiting(parts, now):
    with parts.read_db() as db:
        return blank.waiting(db, now)


def fail(texts, trouble):
    def broken(name):
        raise trouble

    texts.before_blanking = broken


def works(texts):
    texts.before_blanking = lambda name: None


# how it is asked for


@pytest.mark.parametrize("trouble", [NotAccepted("Twilio 20429"), Ambiguous("late"), ChannelDown("Twilio 20003")])
def test_trouble_with_the_provider_ends_the_pass_and_is_tried_again_later(parts, post, texts, who, clock, trouble):
    for name in ("SM1", "SM2", "SM3"):
        sent(parts, who, name)
    remove(parts)
    fail(texts, trouble)
    tried = []
    told = texts.before_blanking
    texts.before_blanking = lambda name: (tried.append(name), told(name))

    assert (blank.blank(post), tried) == (0, ["SM1"])
    works(texts)
    assert blank.blank(post) == 0
    clock.go(minutes=11)
    assert (blank.blank(post), left(parts)) == (3, [])


@pytest.mark.parametrize("trouble", [Refused("Twilio 30400"), Unfinished("Twilio 20009")])
def test_trouble_with_one_text_holds_up_no_other(parts, post, texts, who, trouble):
    for name in ("SM1", "SM2"):
        sent(parts, who, name)
    remove(parts)

    def broken(name):
        if name == "SM1":
            raise trouble

    texts.before_blanking = broken
    assert (blank.blank(post), left(parts)) == (1, ["SM1"])


def test_the_pauses_grow_to_six_hours(parts, post, texts, who, clock):
    sent(parts, who, "SM1")
    remove(parts)
    fail(texts, Unfinished("Twilio 20009"))
    pauses = []
    for _ in range(12):
        with parts.open_db() as db:
            clock.go_to(db.scalars(select(ProviderCopy)).one().next_at)
        blank.blank(post)
        with parts.open_db() as db:
            pauses.append((db.scalars(select(ProviderCopy)).one().next_at - clock()) / timedelta(minutes=1))

    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360, 360]


def test_what_dies_on_the_way_is_done_again(parts, post, texts, who, clock):
    for name in ("SM1", "SM2"):
        sent(parts, who, name)
    remove(parts)

    def die(name):
        if texts.blanked:
            raise SystemExit

    texts.before_blanking = die
    with pytest.raises(SystemExit):
        blank.blank(post)
    assert (texts.blanked, left(parts)) == (["SM1"], ["SM1", "SM2"])

    works(texts)
    clock.go(minutes=11)
    assert (blank.blank(post), sorted(set(texts.blanked)), left(parts)) == (2, ["SM1", "SM2"], [])


def test_no_transaction_is_open_while_the_provider_is_asked(parts, post, texts, who):
    sent(parts, who, "SM1")
    remove(parts)

    def write(name):
        with parts.open_db() as db:
            db.get_one(Member, who.id).language = "es"

    texts.before_blanking = write
    assert blank.blank(post) == 1


def test_a_number_that_rests_or_is_busy_comes_first(parts, post, texts, who, clock):
    sent(parts, who, "SM1")
    remove(parts)
    with parts.open_db() as db:
        pause(db, texts.sender, NOW + timedelta(minutes=5), "Twilio 20003", NOW)
    assert blank.blank(post) == 0

    clock.go(minutes=6)
    assert blank.blank(post) == 1


def test_only_so_many_are_asked_for_at_once(parts, post, texts, who, monkeypatch):
    monkeypatch.setattr(blank, "AT_ONCE", 2)
    for number in range(5):
        sent(parts, who, f"SM{number}")
    remove(parts)

    assert [blank.blank(post) for _ in range(4)] == [2, 2, 1, 0]


def test_the_clock_does_it(parts, post, texts, who, monkeypatch):
    monkeypatch.setattr(upkeep, "parts", lambda: parts)
    monkeypatch.setattr(upkeep, "post", lambda: post)
    sent(parts, who, "SM1")
    upkeep.forget()

    assert (upkeep.blank(), upkeep.blank(), texts.blanked) == (1, 0, ["SM1"])


# what staff are told


def test_what_fails_for_a_day_is_told(parts, post, texts, who, clock):
    sent(parts, who, "SM1")
    remove(parts)
    fail(texts, ChannelDown("Twilio 20003"))
    blank.blank(post)
    early, late = waiting(parts, NOW + 0.9 * DAY), waiting(parts, NOW + 1.1 * DAY)

    assert (early.many, early.since, early.stuck) == (1, NOW, 0)
    assert (late.many, late.stuck, late.trouble) == (1, 1, "Twilio 20003")


def test_a_text_that_does_not_end_is_told_after_a_fortnight(parts, post, texts, who):
    sent(parts, who, "SM1")
    remove(parts)
    fail(texts, Unfinished("Twilio 20009"))
    blank.blank(post)

    assert [waiting(parts, NOW + days * DAY).stuck for days in (2, 14, 16)] == [0, 0, 1]
