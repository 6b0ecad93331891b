"""The form of a consent that was taken on paper or by voice, and what is wrong with it, by field."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from werkzeug.datastructures import MultiDict

from service.flows import detail
from service.flows.ledger import Evidence
from service.rules import rows
from service.rules.consent import ASKED, Channel, Purpose

METHODS = ("paper", "voice")
NEEDS_NO_REASON = timedelta(days=7)
"""A consent of an earlier day needs one: whoever checks it will ask why it was not put on record at once."""
LONGEST_WORDS = 2000


@dataclass
class ConsentForm:
    """A consent taken on paper or by voice: for what, how, when, with which words, and where the proof is."""

    purposes: list[Purpose]
    channels: list[Channel]
    method: str
    on: date
    wording: str
    kept_at: str
    reason: str
    errors: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, typed: MultiDict[str, str], today: date, asked: Sequence[Purpose] = ASKED) -> "ConsentForm":
        errors: dict[str, str] = {}
        on = rows.read(errors, "consent_on", lambda: rows.iso_date(typed.get("consent_on", "")), today)
        form = cls(
            purposes=[purpose for purpose in asked if typed.get(f"purpose_{purpose}") == "1"],
            channels=[channel for channel in Channel if typed.get(f"channel_{channel}") == "1"],
            method=typed.get("method", ""),
            on=on,
            wording=rows.read(errors, "wording", lambda: rows.lines(typed.get("wording", ""), LONGEST_WORDS), ""),
            kept_at=_line(errors, typed, "kept_at"),
            reason=_line(errors, typed, "reason"),
            errors=errors,
        )
        form._look(today)
        return form

    def _look(self, today: date) -> None:
        if not self.purposes:
            self.errors[f"purpose_{ASKED[0]}"] = "Tick at least one thing that they agreed to."
        if not self.channels:
            self.errors[f"channel_{Channel.SMS}"] = "Tick text, email, or both."
        if self.method not in METHODS:
            self.errors["method"] = "Choose how they agreed."
        if not self.wording:
            self.errors.setdefault("wording", "Enter the words they agreed to.")
        if self.method == "paper" and not self.kept_at:
            self.errors.setdefault("kept_at", "Enter where the signed paper is kept.")
        if self.on > today:
            self.errors["consent_on"] = "Enter the day on which they agreed: it cannot be in the future."
        elif today - self.on > NEEDS_NO_REASON and not self.reason:
            self.errors.setdefault("reason", "It is more than 7 days ago. Enter why it is put on record only now.")

    def look_at_detail(self, named: detail.Offer, reminded: Collection[Purpose]) -> None:
        """Texts that name the group are texts, and reminders; and there are such texts."""
        if Purpose.DETAILED not in self.purposes:
            return
        if not named.texts:
            self.errors["purpose_detailed"] = named.obstacle
        elif Channel.SMS not in self.channels or Purpose.REMINDER not in (*self.purposes, *reminded):
            self.errors["purpose_detailed"] = "Tick reminders and text too: this is about how they read."

    def ticked(self) -> dict[Channel, list[Purpose]]:
        """What was agreed to on which channel: a mail names no group."""
        by_mail: list[Purpose] = [one for one in self.purposes if one is not Purpose.DETAILED]
        return {channel: by_mail if channel is Channel.EMAIL else self.purposes for channel in self.channels}

    def evidence(self, staff_id: UUID, language: str, named: detail.Offer, now: datetime) -> Evidence:
        """Only of a form without errors."""
        shown = named.proof if Purpose.DETAILED in self.purposes else {}
        proof = {"kept at": self.kept_at, "recorded late because": self.reason, **shown}
        at = min(now, rows.instant(self.on.isoformat()))
        return Evidence(at, self.method, str(staff_id), self.wording, language, proof)


def _line(errors: dict[str, str], typed: MultiDict[str, str], name: str) -> str:
    return rows.read(errors, name, lambda: rows.text(typed.get(name, ""), "", 200, needed=False), "")
