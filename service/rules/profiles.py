"""What the law of each country asks of texts to members: on what ground, until when an opt-out must count, when.

Facts gathered for those who build this, not legal advice: no lawyer has looked at them yet. We act on an
opt-out at once, whatever a country allows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time

from service.rules.consent import Purpose
from service.rules.lines import COUNTRIES, LINES, Lines


@dataclass(frozen=True)
class Profile:
    """Follows from the practice's country alone; no message, group or member has another."""

    name: str
    reminders: str
    """The ground on which somebody is reminded."""
    questions: str
    """The ground on which somebody is asked a question, or encouraged."""
    opt_out_within: str
    """The latest at which an opt-out must count there."""
    opens: time
    closes: time
    """Messages arrive between these at the widest, on the member's own clock."""
    evidence_years: int
    """So long consents, opt-outs and flags stay on record after the last contact."""
    lines: Lines

    def ground(self, purpose: Purpose) -> str:
        return self.reminders if purpose is Purpose.REMINDER else self.questions


OWN = "consent of its own for each purpose"
EU = "care under GDPR 6(1)(b), (e) or (f) with 9(2)(h), or explicit consent, 9(2)(a)"
GROUNDS: Mapping[str, tuple[str, str, str]] = {
    "US": ("prior express consent (47 CFR 64.1200)", OWN, "10 business days"),
    "CA": (
        "consent; purely informational texts, outside CASL",
        f"{OWN}, naming the sender",
        "10 business days",
    ),
    "GB": (
        "care under UK GDPR 6(1)(e) or (f) with 9(2)(h)",
        "the same, as a part of care; still asked",
        "at once",
    ),
    "IE": (EU, "explicit consent, 9(2)(a)", "at once"),
    "AU": ("consent; not commercial under the Spam Act", f"{OWN}, without offers", "5 working days"),
    "NZ": ("consent; not commercial under the UEM Act", f"{OWN}, without offers", "5 working days"),
    "ES": (EU, "explicit consent, 9(2)(a)", "at once"),
}
WIDEST = (time(8), time(21))
EVIDENCE_YEARS = 6

PROFILES: Mapping[str, Profile] = {
    country: Profile(COUNTRIES[country], *grounds, *WIDEST, EVIDENCE_YEARS, LINES[country])
    for country, grounds in GROUNDS.items()
}
