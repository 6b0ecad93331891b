import json
import re
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.rules.contact import (
    ContactError,
    country_of,
    last2,
    likely_meant,
    masked,
    read_email,
    read_mobile,
    zones_of,
)

VECTORS = Path(__file__).parents[1] / "vectors"
CASES = json.loads((VECTORS / "bad_inputs.json").read_text(encoding="utf-8"))["vectors"]


def cases(*surfaces, outcomes):
    chosen = [case for case in CASES if case["surface"] in surfaces and case["expect"]["outcome"] in outcomes]
    return pytest.mark.parametrize("case", chosen, ids=[case["id"] for case in chosen])


def typed(part):
    """The input of a case: some are written as repeats, to keep the file short."""
    if isinstance(part, str):
        return part
    if "$repeat" in part:
        return part["$repeat"][0] * part["$repeat"][1]
    return "".join(typed(inner) for inner in part["$concat"])


def says(template, sentence):
    """Whether the sentence is the template with its {blanks} filled in; +999 stands for what was typed."""
    pattern = re.sub(r"\\\{\w+\\\}", ".+", re.escape(template)).replace(re.escape("+999"), r"\+\d+")
    return re.fullmatch(pattern, sentence, re.DOTALL) is not None


@cases("member_form.phone", "csv_import.phone", outcomes=["reject"])
def test_a_number_that_cannot_be_texted_is_refused_in_words_that_help(case):
    with pytest.raises(ContactError) as refused:
        read_mobile(typed(case["input"]), case["context"]["region"])

    sentence = str(refused.value)
    if case["surface"] == "csv_import.phone":
        sentence = f"Row 7: {sentence[0].lower()}{sentence[1:]}"
    assert refused.value.code == case["expect"]["code"]
    assert says(case["expect"]["message"], sentence)


@cases("member_form.phone", outcomes=["accept", "confirm"])
def test_a_number_is_read_however_it_is_written(case):
    e164 = read_mobile(typed(case["input"]), case["context"]["region"])

    assert re.fullmatch(r"\+(447911123456|61412345678|12025550123)", e164)


@cases("member_form.phone", outcomes=["confirm"])
def test_the_form_can_tell_a_foreign_number_from_a_shared_one(case):
    region = case["context"]["region"]
    is_foreign = country_of(read_mobile(typed(case["input"]), region)) != region

    assert is_foreign == (case["expect"]["code"] == "phone_country_confirm")


@cases("member_form.email", outcomes=["reject"])
def test_an_address_that_cannot_be_written_to_is_refused_in_words_that_help(case):
    with pytest.raises(ContactError) as refused:
        read_email(typed(case["input"]))

    assert (refused.value.code, str(refused.value)) == (case["expect"]["code"], case["expect"]["message"])


@cases("member_form.email", outcomes=["accept", "confirm"])
def test_an_address_keeps_its_name_and_its_domain_is_in_lower_case(case):
    name, domain = case["input"].split("@")

    assert read_email(case["input"]) == f"{name}@{domain.lower()}"


@cases("member_form.email", outcomes=["confirm"])
def test_a_slip_in_a_common_domain_is_asked_about(case):
    assert likely_meant(read_email(case["input"])) == "anna@gmail.com"


@pytest.mark.parametrize(
    ("text", "country", "e164"),
    [
        ("+15005550006", "US", "+15005550006"),
        ("+1 202 555 0143", "US", "+12025550143"),
        ("(202) 555-0143", "US", "+12025550143"),
        ("+1 555 123 4567", "US", "+15551234567"),
        ("+15550100001", "GB", "+15550100001"),
        ("1-202-555-0143", "US", "+12025550143"),
        ("202.555.0143", "US", "+12025550143"),
        ("0044 7911 123456", "US", "+447911123456"),
        ("\u202a+44 7911 123456\u202c", "GB", "+447911123456"),
        ("+44 (0)7911 123456", "GB", "+447911123456"),
        ("0412 345 678", "AU", "+61412345678"),
        ("612 34 56 78", "ES", "+34612345678"),
        ("085 012 3456", "IE", "+353850123456"),
        ("021 234 5678", "NZ", "+64212345678"),
        ("(416) 555-0143", "CA", "+14165550143"),
    ],
)
def test_numbers_are_read_as_the_country_writes_them(text, country, e164):
    assert read_mobile(text, country) == e164


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("+1 102 555 0143", "phone_not_in_use"),
        ("+1 202 155 0143", "phone_not_in_use"),
        ("800-555-0199", "phone_not_mobile"),
        ("900-555-0199", "phone_not_mobile"),
        ("62263", "phone_cannot_receive"),
        ("", "phone_not_a_number"),
        ("2" * 5000, "phone_not_a_number"),
        ("202 555 0143 or 202 555 0144", "phone_has_letters"),
        ("2.02556E+09", "phone_spreadsheet_damaged"),
    ],
)
def test_more_american_numbers_that_cannot_be_texted_are_refused(text, code):
    with pytest.raises(ContactError) as refused:
        read_mobile(text, "US")

    assert refused.value.code == code


def test_where_the_country_is_not_known_the_country_code_is_asked_for():
    with pytest.raises(ContactError, match=r"^Start with \+ and the country code"):
        read_mobile("07911 123456", "EU")


@pytest.mark.parametrize(
    ("e164", "zones"),
    [
        ("+12125550123", ("America/New_York",)),
        ("+17875550123", ("America/Puerto_Rico",)),
        ("+447911123456", ("Europe/London",)),
        ("+34612345678", ("Atlantic/Canary", "Europe/Madrid")),
        ("+15005550006", ()),
        ("+61412345678", ()),
    ],
)
def test_a_number_tells_where_it_may_ring(e164, zones):
    assert zones_of(e164) == zones


def test_a_number_is_shown_by_its_last_two_digits():
    assert last2("+447911123456") == "56"
    assert masked("+447911123456") == "••• ••• ••56"


@pytest.mark.parametrize(
    ("address", "meant"),
    [
        ("a@gmial.com", "a@gmail.com"),
        ("a@gmail.co", "a@gmail.com"),
        ("a@gnail.com", "a@gmail.com"),
        ("a@gmaill.com", "a@gmail.com"),
        ("a@yaho.co.uk", "a@yahoo.co.uk"),
        ("a@ymail.com", None),
        ("a@mail.com", None),
        ("a@gmail.com", None),
        ("a@clinic.example.org", None),
    ],
)
def test_only_a_single_slip_is_asked_about(address, meant):
    assert likely_meant(address) == meant


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (" ann@example.org\n", "ann@example.org"),
        ("bounce@people.sandbox.test", "bounce@people.sandbox.test"),
        ("ann@bücher.example.org", "ann@xn--bcher-kva.example.org"),
    ],
)
def test_an_address_is_read_with_what_surrounds_it_taken_off(text, address):
    assert read_email(text) == address


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=80) | st.text("+0123456789 ()-.xE", max_size=30), st.sampled_from(["US", "GB", "EU", "ES"]))
def test_whatever_is_typed_as_a_number_is_read_or_refused(text, country):
    with suppress(ContactError):
        assert re.fullmatch(r"\+[1-9]\d{6,14}", read_mobile(text, country))


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=80) | st.emails())
def test_whatever_is_typed_as_an_address_is_read_or_refused(text):
    with suppress(ContactError):
        assert read_email(text).isascii()


@pytest.mark.parametrize("read", [lambda text: read_mobile(text, "US"), read_email])
@pytest.mark.parametrize("unit", ["a@", "1-", "+", ".", "((", "x" * 10, "a.b@c."])
def test_very_long_input_is_refused_at_once(read, unit):
    start = time.perf_counter()
    with pytest.raises(ContactError):
        read(unit * 50_000)

    assert time.perf_counter() - start < 1
