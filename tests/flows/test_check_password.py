import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from sqlalchemy import func, select

from service.flows import passwords, staffing
from service.flows.check_password import WRONG, check_password
from service.models import AuditEntry, SignInTry, Staff
from service.models.practice import Role
from tests.builders import NOW

PASSWORD = "seven calm blue rivers"
EMAIL = "dana@oak.example.org"
HERE = "203.0.113.9"


@pytest.fixture
def dana(parts):
    with parts.open_db() as db:
        return staffing.add_staff(db, EMAIL, "Dana", Role.ADMIN, NOW, PASSWORD).id


def check(parts, password=PASSWORD, *, email=EMAIL, address=HERE, now=NOW):
    return check_password(parts.open_db, email, password, address, now)


def fail(parts, times, **where):
    return [check(parts, "another long password", **where) for _ in range(times)]


def tries(parts):
    with parts.read_db() as db:
        return db.scalar(select(func.count(SignInTry.id)))


def test_the_right_password_says_whose_it_is(parts, dana):
    assert check(parts).staff_id == dana


def test_a_million_characters_are_refused_before_they_are_hashed(parts, dana, monkeypatch):
    monkeypatch.setattr(passwords, "HASHER", None)

    assert check(parts, "x" * 1_000_000).sentence == WRONG


def test_nine_failures_cost_nothing_and_a_success_forgets_them(parts, dana):
    for _ in range(3):
        fail(parts, 9)

        assert check(parts).staff_id == dana
    assert tries(parts) == 0


def test_from_the_tenth_failure_on_every_further_one_doubles_the_wait_up_to_a_quarter_of_an_hour(parts, dana):
    fail(parts, 10)
    now, waited = NOW, []
    for _ in range(6):
        refused = check(parts, now=now)
        waited.append(int(refused.sentence.split()[4]))
        now += timedelta(minutes=waited[-1])
        fail(parts, 1, now=now)

    assert waited == [1, 2, 4, 8, 15, 15]
    assert refused.waits
    assert refused.sentence.endswith("or ask an administrator.")


def test_a_closed_account_opens_for_the_right_password_after_the_wait(parts, dana):
    fail(parts, 10)

    assert check(parts, now=NOW + timedelta(seconds=59)).waits
    assert check(parts, now=NOW + timedelta(seconds=61)).staff_id == dana


def test_an_address_that_is_nobodys_is_answered_the_same(parts, dana):
    known, unknown = fail(parts, 11), fail(parts, 11, email="eve@example.org")

    assert known == unknown
    assert unknown[-1].waits


def test_a_hundred_failures_from_one_network_close_it_for_all_accounts_and_for_nobody_elsewhere(
    parts, dana, monkeypatch
):
    monkeypatch.setattr(passwords, "matches", lambda known, password: False)
    told = [check(parts, email=f"{n}@example.org", address=f"2001:db8::{n:x}") for n in range(101)]
    monkeypatch.undo()

    assert [one.waits for one in told] == [False] * 100 + [True]
    assert check(parts, address="2001:db8::ffff").waits
    assert check(parts, address="2001:db8:0:1::1").staff_id == dana
    assert check(parts, address="2001:db8::1", now=NOW + timedelta(minutes=61)).staff_id == dana


def test_neither_the_address_nor_the_network_can_be_read_where_tries_are_counted(parts, dana):
    fail(parts, 1)
    with parts.read_db() as db:
        rows = repr(
            [bytes(v) if isinstance(v, memoryview) else v for v in db.execute(select(SignInTry.__table__)).one()]
        )

    assert EMAIL not in rows
    assert HERE not in rows


def entries(parts):
    with parts.read_db() as db:
        return [(row.action, row.staff_id) for row in db.scalars(select(AuditEntry).order_by(AuditEntry.seq))][1:]


def test_each_refusal_is_on_record_and_the_wait_once_however_often_somebody_knocks_meanwhile(parts, dana):
    fail(parts, 15)

    assert entries(parts) == [("wrong password", dana)] * 9 + [("sign-ins held off", dana)]


def test_an_address_that_is_nobodys_is_on_record_without_the_address(parts, dana):
    fail(parts, 2, email="eve@example.org")
    fail(parts, 1, email="eve@example.org", address="198.51.100.1")
    with parts.read_db() as db:
        query = select(AuditEntry).where(AuditEntry.action == "unknown address").order_by(AuditEntry.seq)
        rows = db.scalars(query).all()

    networks = [row.details["network"] for row in rows]
    assert networks[0] == networks[1] != networks[2]
    assert not [word for word in ("eve", HERE, "198.51") if word in repr([vars(row) for row in rows])]


def test_of_many_tries_at_once_no_more_are_looked_at_than_one_by_one(parts, dana, monkeypatch):
    looked, real = [], passwords.matches
    monkeypatch.setattr(passwords, "matches", lambda *asked: looked.append(asked) or real(*asked))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: check(parts, "another long password"), range(24)))

    assert len(looked) == 10


def test_no_more_than_four_passwords_are_hashed_at_once(monkeypatch):
    class Hasher:
        now = most = 0
        lock = threading.Lock()

        def hash(self, password):
            with self.lock:
                self.now += 1
                self.most = max(self.most, self.now)
            threading.Event().wait(0.02)
            with self.lock:
                self.now -= 1
            return ""

    hasher = Hasher()
    monkeypatch.setattr(passwords, "HASHER", hasher)
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(passwords.hash_of, ["x"] * 12))

    assert hasher.most == 4


def test_what_was_hashed_when_less_was_asked_of_a_hash_is_hashed_anew(parts, dana):
    with parts.open_db() as db:
        db.get_one(Staff, dana).password_hash = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    check(parts)

    with parts.read_db() as db:
        assert db.get_one(Staff, dana).password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert check(parts).staff_id == dana
