"""What others could learn: shared recipients, names in callbacks, tracking, words that must not be said."""

import re
from urllib.parse import unquote, urlsplit

from sandbox.audit.case import Case, Finding, finding, payload, personalization, words
from sandbox.ledger import Row

TRACKED = ("click_tracking", "open_tracking", "subscription_tracking")
DAY = 86_400.0
GONE = frozenset({"redacted", "deleted"})
FINAL = frozenset({"delivered", "undelivered", "failed", "canceled", "sent"})


def shared_to(case: Case) -> list[Finding]:
    """Members who see each other's address."""
    found = []
    for row in case.mails:
        one = personalization(row)
        if sum(len(one.get(kind, [])) for kind in ("to", "cc", "bcc")) > 1:
            found.append(finding(row))
    return found


def pii_in_custom_args(case: Case) -> list[Finding]:
    """Custom args are kept for years and cannot be deleted: they hold an opaque id and nothing else."""
    found = []
    for row in case.mails:
        args = {**payload(row).get("custom_args", {}), **personalization(row).get("custom_args", {})}
        if any(_names(row, str(value)) for value in args.values()):
            found.append(finding(row))
    return found


def pii_in_callback_url(case: Case) -> list[Finding]:
    return [
        finding(row, url=row["status_callback"])
        for row in case.texts
        if row["status_callback"] and _names(row, unquote(_query_and_path(row["status_callback"])))
    ]


def _names(row: Row, text: str) -> bool:
    """Whether a text tells who somebody is."""
    person = row["to_norm"]
    if "@" in text:
        return True
    if "@" in person:
        return person.partition("@")[0] in re.split(r"[^a-z0-9._+]+", text.lower())
    return re.sub(r"\D", "", person)[-7:] in re.sub(r"\D", "", text)


def _query_and_path(url: str) -> str:
    where = urlsplit(url)
    return f"{where.path}?{where.query}"


def tracking_on(case: Case) -> list[Finding]:
    """Tracking is on unless a mail switches it off; an `open` or `click` proves that it was."""
    told = {row["provider_id"] for row in case.changes if row["status"] in ("open", "click")}
    found = []
    for row in case.mails:
        settings = payload(row).get("tracking_settings") or {}
        on = [name for name in TRACKED if (settings.get(name) or {}).get("enable") is not False]
        if on or row["provider_id"] in told:
            found.append(finding(row, on=on))
    return found


def forbidden_word(case: Case) -> list[Finding]:
    """A word that the test forbids, in a body, subject, header or attachment."""
    wanted = [str(word) for word in case.expectation.get("forbidden_words", [])]
    if not wanted:
        return []
    pattern = re.compile("|".join(rf"\b{re.escape(word)}\b" for word in wanted), re.IGNORECASE)
    return [
        finding(row, word=found.group()) for row in case.accepted if (found := pattern.search("\n".join(words(row))))
    ]


def not_redacted(case: Case) -> list[Finding]:
    """Words still stored at the provider so many days after a text came to its end."""
    days = case.expectation.get("redacted_after_days")
    if days is None:
        return []
    gone = {row["provider_id"] for row in case.changes if row["status"] in GONE}
    ended = {row["provider_id"]: row["t_virtual"] for row in case.changes if row["status"] in FINAL}
    return [
        finding(row)
        for row in case.texts
        if row["provider_id"] not in gone and case.now - ended.get(row["provider_id"], case.now) > days * DAY
    ]


LISTS = {
    "shared_to": shared_to,
    "pii_in_custom_args": pii_in_custom_args,
    "pii_in_callback_url": pii_in_callback_url,
    "tracking_on": tracking_on,
    "forbidden_word": forbidden_word,
    "not_redacted": not_redacted,
}
