"""Words that are gone here go at the text provider, too, however often something dies or fails on the way."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from jobs import upkeep
from service.channels import Ambiguous, ChannelDown, Message, NotAccepted, Received, Refused, Unfinished
from service.channels.transport import Transport
from service.channels.twilio_sms import TwilioSms
from service.flows import blank, erase, retain
from service.flows.answer import Inbound
from service.flows.catch_up import catch_up
from service.flows.pace import pause
from service.flows.receive import receive
from service.flows.settle import Report, settle
from service.models import Delivery, Member, ProviderCopy, Reply
from service.rules.consent import Channel
from service.rules.lifecycle import State
from service.rules.retention import Periods
from service.settings import Settings
from tests import builders
from tests.builders import NOW

DAY = timedelta(days=1)
MOBILE = "+12125550100"


@pytest.fixture
def who(parts):
    with parts.open_db() as db:
        return builders.member(db, mobile=MOBILE)


def sent(parts, who, name, at=NOW - 40 * DAY, state=State.DELIVERED, **values):
    with parts.open_db() as db:
        row = builders.delivery(db, who, state=state, due_at=at, next_at=at, provider_id=name, attempts=1, **values)
        row.body, row.address = "See you", MOBILE
        return row.id


def heard(parts, name, at=NOW - 400 * DAY):
    with parts.open_db() as db:
        receive(db, Inbound(name, MOBILE, "I told my sister"), at)
        db.scalars(select(Reply).where(Reply.provider_id == name)).one().handled_at = at


def remove(parts):
    retain.remove(parts.open_db, NOW, NOW)


def left(parts):
    with parts.read_db() as db:
        return sorted(db.scalars(select(ProviderCopy.provider_id).where(ProviderCopy.is_left())))


def waiting(parts, now):
    with parts.read_db() as db:
        return blank.waiting(db, now)


def do_erase(parts, who):
    with parts.open_db() as db:
        erase.erase(db, db.get_one(Member, who.id), None, NOW)


def left_of(parts, who):
    with parts.read_db() as db:
        return blank.left_of(db, db.get_one(Member, who.id))


def fail(texts, trouble):
    def broken(name):
        raise trouble

    texts.before_blanking = broken


def works(texts):
    texts.before_blanking = lambda name: None


# what is noted


def test_what_is_removed_here_is_blanked_at_the_provider(parts, post, texts, who):
    sent(parts, who, "SM1")
    sent(parts, who, "SM2", NOW - DAY)
    heard(parts, "SM3")
    heard(parts, "SM4", NOW - DAY)
    remove(parts)

    assert left(parts) == ["SM1", "SM3"]
    assert blank.blank(post) == 2
    assert (sorted(texts.blanked), left(parts), blank.blank(post)) == (["SM1", "SM3"], [], 0)


def test_of_whoever_is_erased_all_of_it_is(parts, post, texts, who):
    sent(parts, who, "SM1", NOW - DAY)
    heard(parts, "SM2", NOW - DAY)
    do_erase(parts, who)
    assert left_of(parts, who) == 2
    blank.blank(post)

    assert (sorted(texts.blanked), left_of(parts, who)) == (["SM1", "SM2"], 0)


def test_what_was_removed_before_the_member_was_erased_counts_for_them(parts, who):
    sent(parts, who, "SM1")
    heard(parts, "SM2")
    remove(parts)
    do_erase(parts, who)

    assert left_of(parts, who) == 2


def test_what_is_on_its_way_when_they_are_erased_follows(parts, post, texts, who):
    one = sent(parts, who, "SM1", NOW, State.UNKNOWN)
    do_erase(parts, who)
    assert (left(parts), left_of(parts, who)) == ([], 1)
    with parts.open_db() as db:
        db.get_one(Delivery, one).state = State.SENT
    remove(parts)
    blank.blank(post)

    assert (texts.blanked, left_of(parts, who)) == (["SM1"], 0)


def test_a_second_copy_of_a_text_goes_with_it(parts, post, texts, who):
    one = sent(parts, who, "SM1")
    with parts.open_db() as db:
        settle(db, Report(one, State.DELIVERED, "SM2"), NOW)
    remove(parts)
    blank.blank(post)

    assert sorted(texts.blanked) == ["SM1", "SM2"]


@pytest.mark.parametrize("name", [None, "SM1"])
def test_a_name_that_comes_after_the_words_are_gone_is_blanked_too(parts, post, texts, who, name):
    one = sent(parts, who, name, state=State.ASSUMED)
    remove(parts)
    with parts.open_db() as db:
        settle(db, Report(one, State.DELIVERED, "SM2"), NOW)
        settle(db, Report(one, State.DELIVERED, "SM2"), NOW)
    blank.blank(post)

    assert sorted(texts.blanked) == sorted({name or "SM2", "SM2"})


def test_what_was_answered_goes_with_what_it_answered(parts, post, texts, who):
    heard(parts, "SM1")
    for _ in range(2):
        with parts.open_db() as db:
            blank.note_answer(db, "SM1", "SM2", NOW)
    remove(parts)
    blank.blank(post)

    assert sorted(texts.blanked) == ["SM1", "SM2"]


def test_an_answer_that_is_named_after_its_text_is_gone_is_blanked_too(parts, post, texts, who):
    heard(parts, "SM1", NOW)
    do_erase(parts, who)
    with parts.open_db() as db:
        blank.note_answer(db, "SM1", "SM2", NOW)
        blank.note_answer(db, "SM-of-nobody", "SM3", NOW)
    assert left_of(parts, who) == 2
    blank.blank(post)

    assert (sorted(texts.blanked), left_of(parts, who)) == (["SM1", "SM2"], 0)


def test_an_answer_to_a_text_that_was_found_late_is_known_by_its_name(parts, post, texts, who):
    texts.inbox.append(Received("SM1", MOBILE, "HELP", NOW - timedelta(minutes=2)))
    catch_up(post)

    with parts.read_db() as db:
        assert db.scalars(select(Reply.answer_provider_id)).all() == ["CONSOLE00000001"]


def test_a_log_that_is_kept_for_less_than_the_words_takes_them_along(parts, post, texts, who):
    sent(parts, who, "SM1", NOW - 60 * DAY)
    with parts.open_db() as db:
        db.scalars(select(builders.Practice)).one().periods = Periods(words=1, bodies=365, log=1)
    remove(parts)
    blank.blank(post)

    assert texts.blanked == ["SM1"]


def test_what_the_text_provider_never_had_is_not_asked_for(parts, who):
    sent(parts, who, "MAIL1", channel=Channel.EMAIL)
    sent(parts, who, None)
    for name in ("page:1", "demo:1"):
        heard(parts, name)
    remove(parts)

    assert left(parts) == []


def test_what_is_gone_is_not_found_again_in_the_providers_list(parts, post, texts, who):
    heard(parts, "SM1", NOW - timedelta(hours=2))
    texts.inbox.append(Received("SM1", MOBILE, "I told my sister", NOW - timedelta(hours=2)))
    do_erase(parts, who)
    found = catch_up(post)
    blank.blank(post)

    assert (found, catch_up(post)) == (0, 0)


def test_what_is_blank_everywhere_is_forgotten_after_a_month(parts, post, who):
    sent(parts, who, "SM1")
    remove(parts)
    blank.blank(post)

    def names(now):
        retain.remove(parts.open_db, now, now)
        with parts.read_db() as db:
            return list(db.scalars(select(ProviderCopy.provider_id)))

    assert (names(NOW + 29 * DAY), names(NOW + 31 * DAY)) == (["SM1"], [])


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


# the wire


@pytest.fixture
def wired(post, sandbox):
    """The unmodified official client, against the sandbox."""
    settings = Settings.from_env({"TWILIO_API_BASE": sandbox.url})
    sms = TwilioSms(settings.twilio, Transport(post.patience), "https://groups.example.org/webhooks/twilio/status")
    return replace(post, channels={**post.channels, Channel.SMS: sms})


def at_twilio(wired, sandbox, name):
    (row,) = [row for row in sandbox.ask("ledger")["state_changes"] if row["provider_id"] == name][-1:]
    return row["status"]


def test_the_sandbox_has_no_words_left_of_what_is_gone_here(parts, wired, sandbox, who):
    name = wired.channels[Channel.SMS].send(Message(to=MOBILE, text="See you", reference="r1")).provider_id
    came = sandbox.tell("inbound/sms", {"from": MOBILE, "to": wired.channels[Channel.SMS].sender, "body": "words"})
    sandbox.ask("quiesce?timeout=30&ahead=1000")
    sent(parts, who, name)
    heard(parts, came["sid"])
    remove(parts)

    assert (blank.blank(wired), left(parts)) == (2, [])
    assert {at_twilio(wired, sandbox, one) for one in (name, came["sid"])} == {"redacted"}
    assert wired.channels[Channel.SMS].look_up(MOBILE, "See you", None) == []


def test_a_text_on_its_way_is_asked_for_again_when_it_has_ended(parts, wired, sandbox, who, clock):
    sandbox.tell("clock", {"rate": 0})
    sandbox.tell("config", {"latency": "typical"})
    name = wired.channels[Channel.SMS].send(Message(to=MOBILE, text="See you", reference="r1")).provider_id
    sent(parts, who, name)
    remove(parts)
    assert (blank.blank(wired), left(parts)) == (0, [name])
    with parts.read_db() as db:
        assert db.scalars(select(ProviderCopy)).one().failing_since is None

    sandbox.ask("quiesce?timeout=30&ahead=100000")
    clock.go(minutes=2)
    assert (blank.blank(wired), at_twilio(wired, sandbox, name)) == (1, "redacted")


def test_what_twilio_has_no_more_is_done(parts, wired, who):
    sent(parts, who, "SM" + "a" * 32)
    remove(parts)

    assert (blank.blank(wired), left(parts)) == (1, [])


@pytest.mark.parametrize("fault", ["http_429_json", "reset_before_accept", "auth_revoked", "not_json"])
def test_whatever_breaks_on_the_wire_it_is_asked_for_again(parts, wired, sandbox, who, clock, fault):
    name = wired.channels[Channel.SMS].send(Message(to=MOBILE, text="See you", reference="r1")).provider_id
    sandbox.ask("quiesce?timeout=30&ahead=1000")
    sent(parts, who, name)
    remove(parts)
    sandbox.tell("faults", [{"match": {"provider": "twilio", "op": "update"}, "fault": fault, "times": 1}])
    assert (blank.blank(wired), left(parts)) == (0, [name])

    clock.go(minutes=11)
    assert (blank.blank(wired), at_twilio(wired, sandbox, name)) == (1, "redacted")
