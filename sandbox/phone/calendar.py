"""What a calendar would make of an attached invitation."""

import re
from dataclasses import dataclass

MONTHS = "January February March April May June July August September October November December"
METHODS = {"PUBLISH": "Appointment", "REQUEST": "Invitation", "CANCEL": "Cancelled appointment"}


@dataclass(frozen=True)
class Appointment:
    """The few lines of an .ics file that a calendar shows first."""

    kind: str
    summary: str
    starts: str
    place: str

    @property
    def title(self) -> str:
        return self.kind if self.summary in ("", self.kind) else f"{self.kind}: {self.summary}"


def read(content: bytes) -> Appointment | None:
    """The first event of an .ics file, or None if it is none."""
    text = re.sub(r"\r?\n[ \t]", "", content.decode("utf-8", "replace"))
    if "BEGIN:VEVENT" not in text:
        return None
    method = _line(text, "METHOD") or "PUBLISH"
    is_off = _line(text, "STATUS") == "CANCELLED"
    event = text.partition("BEGIN:VEVENT")[2]
    kind = METHODS["CANCEL"] if is_off else METHODS.get(method, "Appointment")
    return Appointment(kind, _line(event, "SUMMARY"), _moment(event), _line(event, "LOCATION"))


def _line(text: str, name: str) -> str:
    found = re.search(rf"^{name}(?:;[^:\r\n]*)?:(.*?)\r?$", text, re.MULTILINE)
    return re.sub(r"\\([,;\\])", r"\1", found[1]).replace("\\n", " ") if found else ""


def _moment(event: str) -> str:
    found = re.search(r"^DTSTART(?:;([^:\r\n]*))?:(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)\d\d(Z)?)?", event, re.MULTILINE)
    if not found:
        return ""
    told, year, month, day, hour, minute, is_utc = found.groups()
    zone = (told or "").partition("TZID=")[2].partition(";")[0]
    clock = f", {hour}:{minute} {'UTC' if is_utc else zone}".rstrip() if hour else ""
    return f"{int(day)} {MONTHS.split()[int(month) - 1]} {year}{clock}"
