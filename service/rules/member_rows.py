"""A row that describes a member: from a file or from pasted lines, checked value by value."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from service.rules import rows
from service.rules.consent import MESSAGES, Choice, Purpose
from service.rules.contact import read_email, read_mobile

COLUMNS = (
    *("group", "name", "mobile", "email", "channel", "language", "time_zone"),
    *("consent_purposes", "consent_method", "consent_at", "consent_by", "consent_wording"),
)
NEEDED = ("group", "name")
CONSENT = ("consent_purposes", "consent_method", "consent_at", "consent_by", "consent_wording")

IMPORTED = {purpose.value: purpose for purpose in MESSAGES}
"""A row cannot say that the member saw the very text that names their group."""
LANGUAGES = ("en", "es")


@dataclass(frozen=True)
class ConsentGiven:
    purposes: tuple[Purpose, ...]
    method: str
    at: datetime
    by: str
    wording: str


@dataclass(frozen=True)
class MemberRow:
    group: str
    name: str
    mobile: str
    email: str
    choice: Choice
    language: str
    time_zone: str | None
    consent: ConsentGiven | None


def read_member(values: Mapping[str, str], country: str, now: datetime) -> tuple[MemberRow | None, dict[str, str]]:
    """The member, or what is wrong by column."""
    errors: dict[str, str] = {}

    def value(name: str) -> str:
        return values.get(name, "").strip()

    name = rows.read(errors, "name", lambda: rows.text(value("name"), "a name", 80), "")
    mobile = rows.read(errors, "mobile", lambda: read_mobile(value("mobile"), country) if value("mobile") else "", "")
    email = rows.read(errors, "email", lambda: read_email(value("email")) if value("email") else "", "")
    language = rows.read(errors, "language", lambda: _language(value("language")), "en")
    zone = rows.read(errors, "time_zone", lambda: rows.zone(value("time_zone")) if value("time_zone") else None, None)
    choice = rows.read(errors, "channel", lambda: _choice(value("channel"), mobile, email), Choice.NONE)
    consent = _consent(errors, value, now)
    if not (mobile or email or errors):
        errors["mobile"] = "Enter a mobile number or an email address."
    _check_choice(errors, choice, mobile, email)
    if errors:
        return None, errors
    return MemberRow(value("group"), name, mobile, email, choice, language, zone, consent), errors


def _language(text: str) -> str:
    if text and text.lower() not in LANGUAGES:
        raise rows.NotReadable(f"{text} is not a language we have texts in. Use en or es.")
    return text.lower() or "en"


def _choice(text: str, mobile: str, email: str) -> Choice:
    if not text:
        return Choice.SMS if mobile else Choice.EMAIL if email else Choice.NONE
    try:
        return Choice(text.lower())
    except ValueError:
        raise rows.NotReadable(f"{text} is not a channel. Use sms, email, both or none.") from None


def _check_choice(errors: dict[str, str], choice: Choice, mobile: str, email: str) -> None:
    if errors:
        return
    if choice in (Choice.SMS, Choice.BOTH) and not mobile:
        errors["mobile"] = f"The channel is {choice}, so enter a mobile number."
    elif choice in (Choice.EMAIL, Choice.BOTH) and not email:
        errors["email"] = f"The channel is {choice}, so enter an email address."


def _consent(errors: dict[str, str], value: Callable[[str], str], now: datetime) -> ConsentGiven | None:
    """The consent that the row vouches for. All of its columns, or none."""
    filled = [name for name in CONSENT if value(name)]
    if not filled:
        return None
    for name in CONSENT:
        if name not in filled:
            errors[name] = "Fill in all the consent columns, or leave all of them empty."
    if len(filled) < len(CONSENT):
        return None
    none: tuple[Purpose, ...] = ()
    purposes = rows.read(errors, "consent_purposes", lambda: _purposes(value("consent_purposes")), none)
    method = rows.read(errors, "consent_method", lambda: _method(value("consent_method")), "")
    at = rows.read(errors, "consent_at", lambda: _past(value("consent_at"), now), now)
    by = rows.read(errors, "consent_by", lambda: rows.text(value("consent_by"), "who took it", 80), "")
    wording = rows.read(errors, "consent_wording", lambda: rows.text(value("consent_wording"), "the words", 2000), "")
    return ConsentGiven(purposes, method, at, by, wording)


def _purposes(text: str) -> tuple[Purpose, ...]:
    try:
        return tuple(dict.fromkeys(IMPORTED[word] for word in text.lower().split()))
    except KeyError:
        raise rows.NotReadable(
            f"{text} holds a purpose we do not know. Use {', '.join(IMPORTED)}, with spaces between."
        ) from None


def _method(text: str) -> str:
    if len(text) > 40:
        raise rows.NotReadable("Use at most 40 characters, like paper, voice or web.")
    return text.lower()


def _past(text: str, now: datetime) -> datetime:
    moment = rows.instant(text)
    if moment > now:
        raise rows.NotReadable(f"{text} is in the future. Enter the day on which they agreed.")
    return moment
