"""Consents are added to their ledger, each with the hash of the one before it: a changed or missing row shows."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.models import Consent, Member, Practice
from service.rules.consent import Channel, Purpose
from service.rules.profiles import PROFILES

FIRST = "0" * 64
MOST = 2000
"""Characters of the words that are kept."""


@dataclass(frozen=True)
class Evidence:
    """When a member said yes or no, how, to whom, and to which words."""

    occurred_at: datetime
    method: str
    taken_by: str
    wording: str
    """What the member was shown or read, word for word; "" where a no answers nothing of ours."""
    language: str = "en"
    proof: Mapping[str, str] = field(default_factory=dict)
    """What else speaks for it: the member's own words, where the paper lies, the page and the browser. Kept sealed."""


def agree(
    db: Session, member: Member, channel: Channel, purposes: Iterable[Purpose], evidence: Evidence, now: datetime
) -> None:
    """Add a yes for each purpose, with its legal ground in the practice's country. It counts for the address that the
    member has now, and no other."""
    index = member.address_index(channel)
    rows = [_row(member, channel, purpose, index, evidence, now) for purpose in purposes if index]
    _add(db, rows, _proof(member, channel, evidence), is_yes=True)


def withdraw(
    db: Session, member: Member, channel: Channel, purposes: Iterable[Purpose], evidence: Evidence, now: datetime
) -> None:
    """Add a no for each purpose."""
    index = member.address_index(channel)
    rows = [_row(member, channel, purpose, index, evidence, now) for purpose in purposes if index]
    _add(db, rows, _proof(member, channel, evidence), is_yes=False)


def _proof(member: Member, channel: Channel, evidence: Evidence) -> dict[str, str]:
    said = {name: words.replace("\x00", "")[:MOST] for name, words in evidence.proof.items() if words}
    return {"address": member.address(channel), **said}


def version_of(wording: str) -> str:
    """The same words, the same version: of the two that were shown, nobody need remember which came first."""
    return sha256(wording.encode()).hexdigest()[:12] if wording else ""


def _row(
    member: Member, channel: Channel, purpose: Purpose, address_index: bytes, evidence: Evidence, now: datetime
) -> Consent:
    wording = evidence.wording[:MOST]
    return Consent(
        member_id=member.id,
        channel=channel,
        purpose=purpose,
        address_index=address_index,
        occurred_at=evidence.occurred_at,
        recorded_at=now,
        method=evidence.method[:40],
        taken_by=evidence.taken_by[:80],
        wording=wording,
        version=version_of(wording),
        language=evidence.language,
    )


def _add(db: Session, rows: Iterable[Consent], proof: Mapping[str, str], *, is_yes: bool) -> None:
    """The rows, each with the hash of the one before it. A no needs no ground."""
    previous, profile = last_hash(db), PROFILES[db.scalars(select(Practice.country)).one()]
    for row in rows:
        row.is_yes, row.previous_hash = is_yes, previous
        ground = {"legal ground": profile.ground(row.purpose)} if is_yes else {}
        kept = {**proof, **ground}
        row.proof = json.dumps(kept, ensure_ascii=False) if kept else None
        row.hash = previous = hash_of(row)
        db.add(row)
    db.flush()


def last_hash(db: Session) -> str:
    """The end of the chain. Locks it, so that two who add at once follow each other."""
    db.execute(select(Practice.id).with_for_update())
    return db.scalars(select(Consent.hash).order_by(Consent.seq.desc()).limit(1)).first() or FIRST


def hash_of(row: Consent) -> str:
    told = [
        str(row.member_id),
        row.channel,
        row.purpose,
        row.is_yes,
        row.address_index.hex(),
        row.occurred_at.astimezone(UTC).isoformat(),
        row.recorded_at.astimezone(UTC).isoformat(),
        row.method,
        row.taken_by,
        row.wording,
        row.version,
        row.language,
        (row.proof_sealed or b"").hex(),
        row.previous_hash,
    ]
    return sha256(json.dumps(told, ensure_ascii=False).encode()).hexdigest()
