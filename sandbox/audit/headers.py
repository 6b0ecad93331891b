"""Headers that every mail of ours carries."""

import re

from sandbox.audit.case import Case, Finding, finding, mail_headers, payload
from sandbox.ledger import Row


def no_one_click(case: Case) -> list[Finding]:
    """RFC 8058: a link to unsubscribe by, and leave to POST to it."""
    return [finding(row) for row in case.mails if not _has_one_click(mail_headers(row))]


def _has_one_click(headers: dict[str, str]) -> bool:
    link = re.search(r"<https?://[^>]+>", headers.get("list-unsubscribe", ""))
    return link is not None and headers.get("list-unsubscribe-post") == "List-Unsubscribe=One-Click"


def no_auto_submitted(case: Case) -> list[Finding]:
    """RFC 3834: a program wrote this."""
    return [finding(row) for row in case.mails if mail_headers(row).get("auto-submitted") != "auto-generated"]


def reply_to_without_token(case: Case) -> list[Finding]:
    """An answer is asked for, and could not be told to be one. A mail without the header asks for none."""
    return [finding(row) for row in case.mails if payload(row).get("reply_to") and not _token(row)]


def token_not_lowercase(case: Case) -> list[Finding]:
    """Some systems lower-case local parts."""
    return [finding(row) for row in case.mails if _token(row) != _token(row).lower()]


def _token(row: Row) -> str:
    address = str((payload(row).get("reply_to") or {}).get("email", ""))
    return address.partition("@")[0].partition("+")[2]


LISTS = {
    "no_one_click": no_one_click,
    "no_auto_submitted": no_auto_submitted,
    "reply_to_without_token": reply_to_without_token,
    "token_not_lowercase": token_not_lowercase,
}
