"""Texts that no phone should send, through the signed webhook: never an error, never lost, answered at most once."""

import random
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from service.flows.answer import Inbound
from service.flows.hand_over import hand_over
from service.flows.receive import receive
from service.flows.suppress import is_suppressed
from service.models import Member, Reply, Suppression
from service.models.sealed import index_of
from service.rules.consent import Channel
from tests import builders
from tests.web.conftest import Twilio

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

MOBILE = "+12125550100"
BODIES = {
    "nothing": "",
    "spaces": " \t\n ",
    "one text": "a" * 1_600,
    "a hundred thousand": "wort " * 20_000,
    "emoji": "😀👩‍👩‍👧‍👦🏳️‍🌈 7",
    "only emoji": "🫠" * 400,
    "right to left": "مرحبا، لا أستطيع الحضور يوم الخميس",
    "turned round": "\u202ePOTS\u202c",
    "NUL": "hello\x00world",
    "only NUL": "\x00" * 50,
    "control characters": "".join(map(chr, range(32))),
    "zero-width": "\u200b\u200c\u200d\ufeff",
    "combining": "Z" + "\u0301" * 5_000,
    "markup": "<Response><Message>no</Message></Response> ]]> &amp; <!--",
    "braces": "{{7*7}} {sender} {phone.__class__} %s %(x)s",
    "quotes": "'; DROP TABLE replies; --",
    "surrogate-like": "\ud7ff\ue000\uffff",
    "digits": "9" * 5_000,
    "other digits": "٧ ७ 7️⃣",
    "fractions": "½ ⅞ Ⅷ ７",
    "one letter": "C" * 10_000,
    "lines": "\r\n" * 5_000 + "C",
    "json": '{"stop": true}',
}
STOPS = {
    "zero-width inside": "S\u200bT\u200cO\ufeffP",
    "joiners": "ST\u2060OP",
    "soft hyphen": "ST\u00adOP",
    "Cyrillic": "ЅТОР",
    "Greek": "SΤΟP",
    "full width": "ＳＴＯＰ",
    "mathematical": "𝐒𝐓𝐎𝐏",
    "circled": "ⓈⓉⓄⓅ",
    "spaced": "S T O P",
    "dotted": "S.T.O.P.",
    "accented": "STÓP",
    "no-break spaces": "\u00a0STOP\u00a0",
    "NUL inside": "ST\x00OP",
    "many lines": "\n\n\nSTOP\n\n\n",
    "shouted": "STOP!!!!!!!!!!!!!!!",
    "quoted": "“STOP”",
    "with a heart": "STOP ❤️",
    "turned by marks": "\u202aSTOP\u202c",
}
SENDERS = [
    "88588",
    "AMAZON",
    "+1",
    "+",
    "0",
    "anonymous",
    "+5005550006" * 50,
    "+12125550100;ext=3",
    "Ж",
    "whatsapp:+1212",
]


def replies(parts):
    with parts.read_db() as db:
        return db.scalars(select(Reply)).all()


def is_out(parts):
    with parts.read_db() as db:
        return is_suppressed(db, Channel.SMS, index_of(Channel.SMS, MOBILE))


@pytest.fixture
def known(parts):
    with parts.open_db() as db:
        builders.member(db, mobile=MOBILE)


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
@pytest.mark.parametrize("sender", [MOBILE, "+12125550999"], ids=["a member", "a stranger"])
def test_any_text_is_kept_once_and_answered_at_most_once(parts, known, twilio, sender, body):
    answers = [twilio.text(sender, body, sid="SM" + "1" * 32) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert [answer.text.count("</Message>") for answer in answers] in ([0, 0], [1, 0])
    assert len(replies(parts)) == 1


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_none_of_them_is_taken_for_an_opt_out(parts, known, twilio, body):
    twilio.text(MOBILE, body)

    assert not is_out(parts)


@pytest.mark.parametrize("body", STOPS.values(), ids=STOPS.keys())
def test_stop_is_understood_however_it_is_dressed(parts, known, twilio, body):
    answer = twilio.said(MOBILE, body)

    assert (is_out(parts), "opted out" in answer) == (True, True)


@pytest.mark.parametrize("sender", SENDERS)
@pytest.mark.parametrize("body", ["hello", "STOP", "START", "C", "I want to die"])
def test_any_sender_is_kept_and_makes_no_member(parts, known, twilio, sender, body):
    answer = twilio.text(sender, body)

    assert (answer.status_code, len(replies(parts))) == (200, 1)
    assert answer.text.count("</Message>") <= 1
    with parts.read_db() as db:
        assert len(db.scalars(select(Member)).all()) == 1


@pytest.mark.parametrize("to", ["", "+19995550000", "AMAZON", "x" * 5_000])
def test_a_text_to_a_number_that_is_not_ours_is_kept_all_the_same(parts, known, twilio, to):
    assert twilio.text(MOBILE, "hello", To=to).status_code == 200
    assert len(replies(parts)) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"NumMedia": "many"},
        {"NumMedia": "10", "MediaUrl0": "http://127.0.0.1/secret", "MediaContentType0": "image/png"},
        {"OptOutType": "NONSENSE"},
        {"FromCity": "\x00", "FromZip": "9" * 10_000},
        {"SmsStatus": "", "ApiVersion": "1999-01-01", "AccountSid": ""},
    ],
)
def test_odd_fields_do_no_harm(parts, known, twilio, fields):
    assert twilio.text(MOBILE, "hello", **fields).status_code == 200
    assert len(replies(parts)) == 1


def test_fifty_texts_in_a_second_are_all_kept_and_answered_once(parts, known, app):
    phones = [Twilio(app.test_client()) for _ in range(50)]

    def send(number):
        return phones[number].text(MOBILE, f"hello {number}", sid=f"SM{number:032x}")

    began = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(50)))

    assert {answer.status_code for answer in answers} == {200}
    assert sum(answer.text.count("</Message>") for answer in answers) == 1
    assert sorted(reply.text for reply in replies(parts)) == sorted(f"hello {number}" for number in range(50))
    assert time.monotonic() - began < 30


def test_webhooks_that_are_replayed_and_shuffled_end_as_if_each_had_come_once(parts, known, app):
    phone = Twilio(app.test_client())
    said = {f"SM{number:032x}": text for number, text in enumerate(["hello", "C", "7", "👍", "thanks", "see you"])}
    order = [*said.items()] * 4
    random.Random(7).shuffle(order)
    answers = [phone.text(MOBILE, text, sid=sid) for sid, text in order]

    assert {answer.status_code for answer in answers} == {200}
    assert {reply.provider_id: reply.text for reply in replies(parts)} == said


def test_a_stop_that_is_replayed_after_start_does_not_opt_out_again(parts, known, twilio):
    twilio.said(MOBILE, "STOP", sid="SM" + "a" * 32)
    twilio.said(MOBILE, "START")
    twilio.said(MOBILE, "STOP", sid="SM" + "a" * 32)

    assert not is_out(parts)


def test_stop_from_fifty_requests_at_once_is_one_suppression_and_one_confirmation(parts, known, app):
    phones = [Twilio(app.test_client()) for _ in range(20)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: phones[n].text(MOBILE, "STOP", sid=f"SM{n:032x}"), range(20)))

    assert sum(answer.text.count("</Message>") for answer in answers) == 1
    with parts.read_db() as db:
        assert len(db.scalars(select(Suppression)).all()) == 1


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_by_night_and_in_a_thread_that_was_handed_over_it_is_the_same(parts, known, twilio, clock, body):
    clock.go(hours=12)
    with parts.open_db() as db:
        lee, ada = builders.staff(db), builders.staff(db, "ada@oak.example.org")
        receive(db, Inbound("SM-first", MOBILE, "hello"), clock())
        first = db.scalars(select(Reply)).one()
        held = hand_over(db, first, [first.id], ada, "", lee.id, clock()).id
    answer = twilio.text(MOBILE, body)
    waiting = [reply for reply in replies(parts) if reply.handled_at is None]

    assert (answer.status_code, answer.text.count("</Message>")) == (200, 0)  # it was said a moment ago
    assert {reply.hand_over_id for reply in waiting} == {held}


def test_fifty_texts_at_night_shuffled_and_replayed_are_answered_once(parts, known, app, clock):
    clock.go(hours=12)
    phones = [Twilio(app.test_client()) for _ in range(8)]
    order = [number % 25 for number in range(50)]
    random.Random(7).shuffle(order)

    def send(place):
        return phones[place % 8].text(MOBILE, f"hello {order[place]}", sid=f"SM{order[place]:032x}")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(50)))

    assert {answer.status_code for answer in answers} == {200}
    assert sum(answer.text.count("</Message>") for answer in answers) == 1
    assert len(replies(parts)) == 25
