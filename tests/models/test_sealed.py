import base64

import pytest
from sqlalchemy import select, text, update

from service.models import Group, Member
from service.models.sealed import LOCKED, Keyring, index_of, keys, use_keys
from service.rules.consent import Channel
from tests import builders

OLD = "old:" + base64.b64encode(b"1" * 32).decode()
NEW = "new:" + base64.b64encode(b"2" * 32).decode()


def test_what_is_sealed_can_be_read_again(parts):
    with parts.open_db() as db:
        builders.member(db, "Anna Bell")
    with parts.read_db() as db:
        assert db.scalars(select(Member)).one().name == "Anna Bell"


def test_the_database_holds_no_name_and_no_number(parts):
    with parts.open_db() as db:
        builders.member(db, "Anna Bell", mobile="+12125550123", email="anna@example.org")
    with parts.read_db() as db:
        row = str(db.execute(text("SELECT * FROM members")).mappings().one()) + repr(
            [bytes(value) for value in db.execute(text("SELECT * FROM members")).one() if isinstance(value, bytes)]
        )

    assert not [secret for secret in ("Anna", "5550123", "example.org") if secret in row]


def test_a_text_moved_to_another_row_shows_as_locked(parts):
    with parts.open_db() as db:
        anna, bea = builders.member(db, "Anna"), builders.member(db, "Bea")
        db.execute(update(Member).where(Member.id == bea.id).values(name_sealed=anna.name_sealed))
        db.expire_all()

        assert (anna.name, bea.name) == ("Anna", LOCKED)


def test_a_text_moved_to_another_column_shows_as_locked(parts):
    with parts.open_db() as db:
        who = builders.member(db, "Anna", email="anna@example.org")
        who.email_sealed = who.name_sealed

        assert who.email == LOCKED


def test_a_text_moved_to_another_table_shows_as_locked(parts):
    with parts.open_db() as db:
        place = builders.group(db)
        who = builders.member(db)
        place.name_sealed = who.name_sealed

        assert place.name == LOCKED


BROKEN = [b"", b"v1", b"v1.k1", b"v1.k1.", b"v1.k1.short", b"v9.k1.x", b"\xff.\xff.\xff", b"..."]
NO_KEYS = ["", "k1", "k1:", "k1:abc", "k1:!!!!", f"{OLD},{OLD}", "k 1:" + "A" * 43 + "=", ":" + "A" * 44]


@pytest.mark.parametrize("sealed", BROKEN)
def test_what_is_no_sealed_text_shows_as_locked(field_keys, sealed):
    assert field_keys.open(sealed, "members|name|1") == LOCKED


def test_a_text_whose_key_is_gone_shows_as_locked():
    sealed = Keyring.parse(OLD).seal("Anna", "here")

    assert Keyring.parse(NEW).open(sealed, "here") == LOCKED


def test_with_two_keys_the_first_seals_and_both_open():
    old, both = Keyring.parse(OLD), Keyring.parse(f"{NEW},{OLD}")

    assert both.open(old.seal("Anna", "here"), "here") == "Anna"
    assert both.seal("Anna", "here").split(b".")[1] == b"new"


def test_a_new_key_leaves_the_look_up_hashes_as_they_were():
    assert Keyring.parse(f"{NEW},{OLD}").index("sms", "+1") == Keyring.parse(OLD).index("sms", "+1")


def test_a_member_is_found_after_a_new_key_was_added(parts, field_keys):
    with parts.open_db() as db:
        builders.member(db, mobile="+12125550123")
    use_keys(Keyring({"new": b"2" * 32, **field_keys.roots}))
    with parts.read_db() as db:
        found = db.scalars(Member.with_mobile(index_of(Channel.SMS, "+12125550123"))).one()

        assert found.mobile == "+12125550123"


def test_the_same_text_is_sealed_differently_each_time(field_keys):
    assert field_keys.seal("Anna", "here") != field_keys.seal("Anna", "here")


def test_a_number_and_an_address_of_the_same_letters_have_different_hashes(field_keys):
    assert field_keys.index("sms", "x") != field_keys.index("email", "x")


@pytest.mark.parametrize("given", NO_KEYS)
def test_what_are_no_keys_is_refused(given):
    with pytest.raises(ValueError):  # noqa: PT011  its words are for the setting's problem
        Keyring.parse(given)


def test_keys_do_not_show_themselves():
    assert "1111" not in repr(Keyring.parse(OLD))
    assert repr(b"1" * 32) not in repr(keys())


def test_an_empty_text_is_no_text(parts):
    with parts.open_db() as db:
        place = builders.group(db, link="")

        assert (place.link_sealed, place.link, place.is_online) == (None, "", False)


def test_a_groups_name_is_as_long_as_it_need_be(parts):
    with parts.open_db() as db:
        builders.group(db, "Ñandú " * 13)
    with parts.read_db() as db:
        assert db.scalars(select(Group)).one().name == "Ñandú " * 13
