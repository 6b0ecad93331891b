"""Mobile numbers and email addresses as people type them: read into one form, or refused in a sentence that helps."""

import unicodedata
from typing import NoReturn

import phonenumbers
from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email
from phonenumbers import NumberParseException, PhoneNumberType, ValidationResult
from phonenumbers.timezone import time_zones_for_number

COUNTRIES = {
    "US": "the United States",
    "CA": "Canada",
    "GB": "the United Kingdom",
    "IE": "Ireland",
    "AU": "Australia",
    "NZ": "New Zealand",
    "ES": "Spain",
}
EXAMPLES = {
    "GB": "07911 123456 or +44 7911 123456",
    "US": "202-555-0123 or +1 202 555 0123",
    "CA": "416-555-0123 or +1 416 555 0123",
}
NOT_MOBILE = frozenset(
    {
        PhoneNumberType.FIXED_LINE,
        PhoneNumberType.PERSONAL_NUMBER,
        PhoneNumberType.PREMIUM_RATE,
        PhoneNumberType.TOLL_FREE,
        PhoneNumberType.SHARED_COST,
        PhoneNumberType.UAN,
        PhoneNumberType.PAGER,
        PhoneNumberType.VOICEMAIL,
    }
)
ISLANDS = {"GG": "GB", "JE": "GB", "IM": "GB"}
"""Regions whose mobiles look like those of the country beside them."""
SAME_CLOCK = {
    "Europe/Guernsey": "Europe/London",
    "Europe/Isle_of_Man": "Europe/London",
    "Europe/Jersey": "Europe/London",
}
"""Zones that are another's by law, so that a British mobile has one clock, not four."""

SEPARATORS = ";/,|&\n"
DOMAINS = (
    *("gmail.com", "googlemail.com", "hotmail.com", "outlook.com", "yahoo.com", "icloud.com", "live.com", "aol.com"),
    *("hotmail.co.uk", "yahoo.co.uk", "outlook.es", "hotmail.es", "yahoo.es", "btinternet.com", "comcast.net"),
)
REAL_BUT_CLOSE = frozenset(
    {"mail.com", "email.com", "ymail.com", "gmx.com", "yahoo.co", "yahoo.ca", "live.co", "aol.de"}
)


class ContactError(ValueError):
    """What is wrong with a number or an address, in a sentence for the person who typed it, and as a `code`."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


def read_mobile(text: str, country: str) -> str:
    """The number in E.164, read as people of `country` (two letters) write it. Raises ContactError.

    A country's numbers of unknown kind are accepted where mobiles cannot be told from landlines, as in North America,
    with the numbers set aside for tests. Whether a foreign or a shared number is meant is the form's to ask.
    """
    typed = _without_dress(text)
    _refuse_what_is_no_number(typed, country)
    number = _parsed(typed, country)
    _refuse_by_length(number)
    if not _can_exist(number):
        raise ContactError("phone_not_in_use", f"This number cannot exist in {_place(number)}. Check the digits.")
    if _is_no_mobile(number):
        raise ContactError(
            "phone_not_mobile",
            "This is not a mobile number, so it cannot get texts. Enter a mobile number or choose email.",
        )
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def country_of(e164: str) -> str:
    """The two letters of the country that gives out the number: the form asks once before a foreign one."""
    number = phonenumbers.parse(e164)
    region = phonenumbers.region_code_for_number(number) or ""
    return ISLANDS.get(region, region) or _country_of_code(number)


def zones_of(e164: str) -> tuple[str, ...]:
    """The time zones in which the number may ring, at most three; none if there are more, or none is known."""
    names = time_zones_for_number(phonenumbers.parse(e164))
    zones = sorted({SAME_CLOCK.get(name, name) for name in names if name != "Etc/Unknown"})
    return tuple(zones) if len(zones) <= 3 else ()


def last2(e164: str) -> str:
    return e164[-2:]


def masked(e164: str) -> str:
    """The number as staff see it until they ask for more."""
    return f"••• ••• ••{last2(e164)}"


def masked_email(address: str) -> str:
    """The same of an address: a domain of one's own says a name, too."""
    return f"{address[:1]}•••@•••.{address.rpartition('.')[2]}"


def read_email(text: str) -> str:
    """The address with its domain in lower case. Raises ContactError. Nothing is looked up.

    Domains that end in .test are accepted: the people of practice mode live there.
    """
    typed = text.strip()
    _refuse_what_is_no_address(typed)
    _refuse_by_shape(typed)
    try:
        address = validate_email(typed, check_deliverability=False, allow_smtputf8=False, test_environment=True)
    except EmailNotValidError:
        raise ContactError("email_invalid", "Enter an email address like name@example.org.") from None
    return address.ascii_email or address.normalized


def likely_meant(address: str) -> str | None:
    """The address with a common domain in place of one that is a slip away from it, to ask "Did you mean …?"."""
    local, _, domain = address.rpartition("@")
    if domain in DOMAINS or domain in REAL_BUT_CLOSE:
        return None
    return next((f"{local}@{known}" for known in DOMAINS if _one_slip_apart(domain, known)), None)


# --- numbers


def _without_dress(text: str) -> str:
    """Full-width digits folded, invisible marks and "tel:" taken off, 00 in front written as +."""
    typed = "".join(char for char in unicodedata.normalize("NFKC", text) if unicodedata.category(char) != "Cf")
    typed = typed.strip().removeprefix("tel:").strip()
    return "+" + typed[2:] if typed.startswith("00") else typed


def _refuse_what_is_no_number(typed: str, country: str) -> None:
    digits = sum(char.isdigit() for char in typed)
    if _is_changed_by_a_spreadsheet(typed):
        raise ContactError(
            "phone_spreadsheet_damaged",
            f"The spreadsheet changed this number ({typed}). Format the column as text and paste it again.",
        )
    if _is_two_numbers(typed):
        raise ContactError("phone_more_than_one", "Enter one number only.")
    if any(char in "<>{}" or unicodedata.category(char) == "Cc" for char in typed):
        raise ContactError("phone_not_a_number", "That is not a phone number. Use digits, spaces and + only.")
    if digits < 2 or len(typed) > 40:
        raise _no_number(country)
    if any(char.isalpha() for char in typed):
        raise _letters(typed)
    if digits < 7 and "+" not in typed:
        raise ContactError(
            "phone_cannot_receive",
            "Short and emergency numbers cannot receive these messages. Enter a mobile number.",
        )


def _is_changed_by_a_spreadsheet(typed: str) -> bool:
    number, is_power, power = typed.upper().replace(",", ".").partition("E+")
    whole, is_fraction, fraction = number.partition(".")
    if is_power:
        return whole.isdigit() and power.isdigit()
    return bool(is_fraction) and whole.isdigit() and len(whole) > 6 and fraction in ("0", "00")


def _is_two_numbers(typed: str) -> bool:
    for separator in SEPARATORS:
        typed = typed.replace(separator, ";")
    return sum(sum(char.isdigit() for char in part) >= 6 for part in typed.split(";")) > 1


def _letters(typed: str) -> ContactError:
    word = "".join(char for char in typed.lower() if char.isalpha())
    if word in ("x", "ext", "extension"):
        return ContactError(
            "phone_has_extension", "Texts cannot be sent to an extension. Enter the number without 'ext'."
        )
    return ContactError("phone_has_letters", "Enter the digits instead of letters.")


def _no_number(country: str) -> ContactError:
    example = EXAMPLES.get(country, "+44 7911 123456")
    return ContactError("phone_not_a_number", f"That is not a phone number. Enter it like {example}.")


def _parsed(typed: str, country: str) -> phonenumbers.PhoneNumber:
    try:
        return phonenumbers.parse(typed, country)
    except NumberParseException as wrong:
        if wrong.error_type != NumberParseException.INVALID_COUNTRY_CODE:
            raise _no_number(country) from None
        return _refuse_country(typed, country)


def _refuse_country(typed: str, country: str) -> NoReturn:
    code = phonenumbers.country_code_for_region(country) or 44
    advice = f"Start with + and the country code, for example +{code}."
    prefix = typed.split()[0][:4]
    sentence = f"{prefix} is not a country code. {advice}" if prefix.startswith("+") else advice
    raise ContactError("phone_unknown_country", sentence)


def _refuse_by_length(number: phonenumbers.PhoneNumber) -> None:
    match phonenumbers.is_possible_number_with_reason(number):
        case ValidationResult.TOO_SHORT | ValidationResult.IS_POSSIBLE_LOCAL_ONLY:
            sentence = f"This number is too short for {_place(number)}. Check for missing digits."
            raise ContactError("phone_too_short", sentence)
        case ValidationResult.TOO_LONG:
            sentence = f"This number is too long for {_place(number)}. Check for extra digits."
            raise ContactError("phone_too_long", sentence)


def _place(number: phonenumbers.PhoneNumber) -> str:
    return COUNTRIES.get(_country_of_code(number), f"country code +{number.country_code}")


def _country_of_code(number: phonenumbers.PhoneNumber) -> str:
    return phonenumbers.region_code_for_country_code(number.country_code or 0)


def _can_exist(number: phonenumbers.PhoneNumber) -> bool:
    return phonenumbers.is_valid_number(number) or (number.country_code == 1 and _is_north_american(number))


def _is_north_american(number: phonenumbers.PhoneNumber) -> bool:
    """Area code and exchange begin with 2 to 9; 555 is the area code of numbers made up for tests."""
    digits = f"{number.national_number:010}"
    return digits[0] in "23456789" and (digits[3] in "23456789" or digits.startswith("555"))


def _is_no_mobile(number: phonenumbers.PhoneNumber) -> bool:
    """Personal numbers of North America (500) get texts, and are the provider's own test numbers."""
    kind = phonenumbers.number_type(number)
    return kind in NOT_MOBILE and not (kind == PhoneNumberType.PERSONAL_NUMBER and number.country_code == 1)


# --- addresses


def _refuse_what_is_no_address(typed: str) -> None:
    if any(mark in typed.lower() for mark in ("\r", "\n", "%0a", "%0d")):
        raise ContactError("email_invalid", "An email address cannot contain a line break.")
    if not all(_is_safe(char) for char in typed) or not typed.rpartition("@")[0].isascii():
        sentence = "This address has characters that look like other letters. Type it again by hand."
        raise ContactError("email_unsafe_characters", sentence)
    if typed.count("@") > 1:
        raise ContactError("email_more_than_one", "Enter one email address only.")
    if any(char.isspace() or char in '<>"' for char in typed):
        raise ContactError("email_invalid", "Enter only the address, without a name or spaces.")


def _is_safe(char: str) -> bool:
    """Plain letters and signs, and the accented Latin letters that a domain may have."""
    return char.isascii() or unicodedata.name(char, "").startswith("LATIN SMALL LETTER")


def _refuse_by_shape(typed: str) -> None:
    local, _, domain = typed.rpartition("@")
    if not local or ("." not in domain and not domain.startswith("[")):
        raise ContactError("email_invalid", "Enter an email address like name@example.org.")
    if domain.startswith("[") or _is_reserved(domain):
        raise ContactError("email_cannot_receive", "This domain cannot receive email.")
    if any(not part for side in (local, domain) for part in side.split(".")):
        raise ContactError("email_invalid", "Check the dots in this email address.")
    if len(local) > 64 or len(typed) > 254 or any(len(part) > 63 for part in domain.split(".")):
        raise ContactError("email_too_long", "This email address is too long.")


def _is_reserved(domain: str) -> bool:
    name = "." + domain.lower()
    return not name.endswith(".test") and any(name.endswith(f".{reserved}") for reserved in SPECIAL_USE_DOMAIN_NAMES)


def _one_slip_apart(typed: str, known: str) -> bool:
    """One letter left out, put in, changed, or swapped with the next."""
    if abs(len(typed) - len(known)) > 1 or typed == known:
        return False
    at = next((n for n, (a, b) in enumerate(zip(typed, known, strict=False)) if a != b), min(len(typed), len(known)))
    rest, other = typed[at:], known[at:]
    swapped = rest[1:2] + rest[:1] + rest[2:]
    return other in (swapped, rest[1:]) or rest[1:] == other[1:] or rest == other[1:]
