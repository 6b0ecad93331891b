"""Emergency numbers and crisis lines by country. Each was checked on a date, and holds for 180 days."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

VALID_FOR = timedelta(days=180)


@dataclass(frozen=True)
class Lines:
    danger: str
    """The emergency number."""
    crisis: Mapping[str, str]
    """How the crisis line is said, by language. Texts leave out the accents that would double their price."""
    verified_on: date

    def number(self, language: str) -> str:
        """The line without the words before it: `988, opción 2`."""
        return self.crisis.get(language, self.crisis["en"]).removeprefix("llame al ")

    def are_current(self, day: date) -> bool:
        return day - self.verified_on <= VALID_FOR


CHECKED = date(2026, 11, 22)

LINES: Mapping[str, Lines] = {
    "US": Lines("911", {"en": "call or text 988", "es": "llame al 988, opción 2"}, CHECKED),
    "CA": Lines("911", {"en": "call or text 988", "es": "llame al 988"}, CHECKED),
    "GB": Lines("999", {"en": "call 111, option 2", "es": "llame al 111, opción 2"}, CHECKED),
    "IE": Lines("112", {"en": "call 116 123", "es": "llame al 116 123"}, CHECKED),
    "AU": Lines("000", {"en": "call 13 11 14", "es": "llame al 13 11 14"}, CHECKED),
    "NZ": Lines("111", {"en": "call or text 1737", "es": "llame al 1737"}, CHECKED),
    "ES": Lines("112", {"en": "call 024", "es": "llame al 024"}, CHECKED),
}
"""988: 988lifeline.org. 111 option 2: NHS. 116 123: Samaritans. 13 11 14: Lifeline. 1737: Whakarongorau. 024: Spain."""

COUNTRIES: Mapping[str, str] = {
    "US": "United States",
    "CA": "Canada",
    "GB": "United Kingdom",
    "IE": "Ireland",
    "AU": "Australia",
    "NZ": "New Zealand",
    "ES": "Spain",
}
