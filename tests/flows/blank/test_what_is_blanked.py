"""Words that are gone here go at the text provider, too."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from service.channels import Received
from service.flows import blank, erase, retain
from service.flows.catch_up import catch_up
from service.flows.settle import Report, settle
from service.models import Delivery, Member, ProviderCopy, Reply
from service.rules.consent import Channel
from service.rules.lifecycle import State
from service.rules.retention import Periods
from tests import builders
from tests.builders import NOW
from tests.flows.blank.conftest import DAY, MOBILE, heard, left, remove, sent


def do_erase(parts, who):
    with parts.open_db() as db:
        erase.erase(db, db.get_one(Member, who.id), None, NOW)


def left_of(parts, who):
    with parts.read_db() as db:
        return blank.left_of(db, db.get_one(Member, who.id))


def test_what_is_removed_here_is_blanked_at_the_provider(parts, post, texts, who):
    sent(parts, who, "SM1")
    sent(parts, who, "SM2", NOW - DAY)
    heard(parts, "SM3")
    heard(parts, "SM4", NOW - DAY)
    remove(parts)

    assert left(parts) == ["SM1", "SM3"]
    assert blank.blank(post) == 2
    assert (sorted(texts.blanked), left(parts), blank.blank(post)) == (["SM1", "SM3"], [], 0)


def test_of_whoever_is_erased_all_of_it_is(parts, post, texts, who):
    sent(parts, who, "SM1", NOW - DAY)
    heard(parts, "SM2", NOW - DAY)
    do_erase(parts, who)
    assert left_of(parts, who) == 2
    blank.blank(post)

    assert (sorted(texts.blanked), left_of(parts, who)) == (["SM1", "SM2"], 0)


def test_what_was_removed_before_the_member_was_erased_counts_for_them(parts, who):
    sent(parts, who, "SM1")
    heard(parts, "SM2")
    remove(parts)
    do_erase(parts, who)

    assert left_of(parts, who) == 2


def test_what_is_on_its_way_when_they_are_erased_follows(parts, post, texts, who):
    one = sent(parts, who, "SM1", NOW, State.UNKNOWN)
    do_erase(parts, who)
    assert (left(parts), left_of(parts, who)) == ([], 1)
    with parts.open_db() as db:
        db.get_one(Delivery, one).state = State.SENT
    remove(parts)
    blank.blank(post)

    assert (texts.blanked, left_of(parts, who)) == (["SM1"], 0)


def test_a_second_copy_of_a_text_goes_with_it(parts, post, texts, who):
    one = sent(parts, who, "SM1")
    with parts.open_db() as db:
        settle(db, Report(one, State.DELIVERED, "SM2"), NOW)
    remove(parts)
    blank.blank(post)

    assert sorted(texts.blanked) == ["SM1", "SM2"]


@pytest.mark.parametrize("name", [None, "SM1"])
def test_a_name_that_comes_after_the_words_are_gone_is_blanked_too(parts, post, texts, who, name):
    one = sent(parts, who, name, state=State.ASSUMED)
    remove(parts)
    with parts.open_db() as db:
        settle(db, Report(one, State.DELIVERED, "SM2"), NOW)
        settle(db, Report(one, State.DELIVERED, "SM2"), NOW)
    blank.blank(post)

    assert sorted(texts.blanked) == sorted({name or "SM2", "SM2"})


def test_what_was_answered_goes_with_what_it_answered(parts, post, texts, who):
    heard(parts, "SM1")
    for _ in range(2):
        with parts.open_db() as db:
            blank.note_answer(db, "SM1", "SM2", NOW)
    remove(parts)
    blank.blank(post)

    assert sorted(texts.blanked) == ["SM1", "SM2"]


def test_an_answer_that_is_named_after_its_text_is_gone_is_blanked_too(parts, post, texts, who):
    heard(parts, "SM1", NOW)
    do_erase(parts, who)
    with parts.open_db() as db:
        blank.note_answer(db, "SM1", "SM2", NOW)
        blank.note_answer(db, "SM-of-nobody", "SM3", NOW)
    assert left_of(parts, who) == 2
    blank.blank(post)

    assert (sorted(texts.blanked), left_of(parts, who)) == (["SM1", "SM2"], 0)


def test_an_answer_to_a_text_that_was_found_late_is_known_by_its_name(parts, post, texts, who):
    texts.inbox.append(Received("SM1", MOBILE, "HELP", NOW - timedelta(minutes=2)))
    catch_up(post)

    with parts.read_db() as db:
        assert db.scalars(select(Reply.answer_provider_id)).all() == ["CONSOLE00000001"]


def test_a_log_that_is_kept_for_less_than_the_words_takes_them_along(parts, post, texts, who):
    sent(parts, who, "SM1", NOW - 60 * DAY)
    with parts.open_db() as db:
        db.scalars(select(builders.Practice)).one().periods = Periods(words=1, bodies=365, log=1)
    remove(parts)
    blank.blank(post)

    assert texts.blanked == ["SM1"]


def test_what_the_text_provider_never_had_is_not_asked_for(parts, who):
    sent(parts, who, "MAIL1", channel=Channel.EMAIL)
    sent(parts, who, None)
    for name in ("page:1", "demo:1"):
        heard(parts, name)
    remove(parts)

    assert left(parts) == []


def test_what_is_gone_is_not_found_again_in_the_providers_list(parts, post, texts, who):
    heard(parts, "SM1", NOW - timedelta(hours=2))
    texts.inbox.append(Received("SM1", MOBILE, "I told my sister", NOW - timedelta(hours=2)))
    do_erase(parts, who)
    found = catch_up(post)
    blank.blank(post)

    assert (found, catch_up(post)) == (0, 0)


def test_what_is_blank_everywhere_is_forgotten_after_a_month(parts, post, who):
    sent(parts, who, "SM1")
    remove(parts)
    blank.blank(post)

    def names(now):
        retain.remove(parts.open_db, now, now)
        with parts.read_db() as db:
            return list(db.scalars(select(ProviderCopy.provider_id)))

    assert (names(NOW + 29 * DAY), names(NOW + 31 * DAY)) == (["SM1"], [])
