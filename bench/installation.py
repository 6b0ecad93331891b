"""Installations to measure: N members whose reminder is due at one instant, filled once by the product's own code."""

from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from bench import machine
from service.database import connect
from service.flows import enrol, ledger
from service.flows.plan import plan
from service.models import Delivery, Group
from service.models.sealed import Keyring, use_keys
from service.rules.consent import Choice, Purpose
from service.upgrade import upgrade
from tests import builders

FIELD_KEYS = "k1:" + "A" * 43 + "="
NOW = builders.NOW
DUE = NOW + timedelta(hours=2)
"""Noon in New York: no night anywhere near."""
STARTS = DUE + timedelta(hours=24)
PER_GROUP = 50
KEPT = machine.ROOT / "var" / "bench"
"""Filled databases are kept here from run to run."""


def filled(count: int, choice: Choice) -> Path:
    """A SQLite database with so many reminders due at DUE, made if it is not kept from an earlier run."""
    use_keys(Keyring.parse(FIELD_KEYS))
    path = KEPT / f"{choice}-{count}-{_digest()}.db"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=KEPT) as folder:
            draft = Path(folder) / "draft.db"
            engine = connect(f"sqlite:///{draft}")
            upgrade(engine, Path(folder))
            _fill(engine, count, choice)
            engine.dispose()
            draft.replace(path)
    return path


def due_ids(path: Path) -> set[str]:
    engine = connect(f"sqlite:///{path}")
    with Session(engine) as db:
        ids = {str(one) for one in db.scalars(select(Delivery.id))}
    engine.dispose()
    return ids


def _fill(engine: Engine, count: int, choice: Choice) -> None:
    with Session(engine, expire_on_commit=False) as db, db.begin():
        builders.practice(db, reading_hours="Mon-Fri 9-5")
    for number, first in enumerate(range(0, count, PER_GROUP)):
        with Session(engine, expire_on_commit=False) as db, db.begin():
            group = builders.group(db, f"Group {number}")
            builders.session(db, group, STARTS)
            builders.rule(db, group)
            for one in range(first, min(first + PER_GROUP, count)):
                _member(db, group, one, choice)
            plan(db, NOW, [group])


def _member(db: Session, group: Group, number: int, choice: Choice) -> None:
    mobile = f"+1212{200 + number // 10_000:03d}{number % 10_000:04d}"
    person = enrol.Person("Anna Bell", mobile, f"m{number}@example.org", choice, "en", "America/New_York")
    member = enrol.add_member(db, person, NOW)
    for channel in member.channels:
        ledger.agree(db, member, channel, [Purpose.REMINDER], builders.EVIDENCE, NOW)
    builders.enrolled(db, group, member)


def _digest() -> str:
    """Another one for other tables or another way to fill them: an old database is not taken for today's."""
    folder = machine.ROOT / "service" / "migrations"
    files = [*sorted(folder.rglob("*.py")), Path(__file__)]
    return sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]
