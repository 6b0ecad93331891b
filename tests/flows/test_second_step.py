"""Between the password and being signed in."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from service.flows import second_factor, second_step
from service.flows.passkeys import Site
from service.flows.second_step import Verdict
from service.models import AuditEntry, SecondStep, Staff
from tests.builders import NOW
from tests.flows.test_second_factor import HALF_MINUTE, app_of, person, shows


@pytest.fixture
def dana(parts):
    """Somebody with an app, and their recovery codes."""
    with parts.open_db() as db:
        who = person(db)
        app, codes = app_of(db, who)
    return who, app, codes


def begin(parts, who, at=NOW):
    with parts.open_db() as db:
        return second_step.begin(db, who.id, at)


def show(parts, token, typed, at=NOW):
    with parts.open_db() as db:
        return second_step.answer(db, token, second_step.by_code(typed), at).verdict


def test_the_right_code_lets_in(parts, dana):
    who, app, _ = dana
    with parts.open_db() as db:
        token = second_step.begin(db, who.id, NOW)
        answer = second_step.answer(db, token, second_step.by_code(shows(app, NOW)), NOW)

    assert (answer.verdict, answer.staff_id) == (Verdict.RIGHT, who.id)


def test_a_half_way_browser_comes_in_once(parts, dana):
    who, app, _ = dana
    token = begin(parts, who)
    first = show(parts, token, shows(app, NOW))
    later = NOW + HALF_MINUTE

    assert (first, show(parts, token, shows(app, later), later)) == (Verdict.RIGHT, Verdict.OVER)


def test_a_code_that_let_one_browser_in_lets_no_other_in(parts, dana):
    who, app, _ = dana
    code = shows(app, NOW)
    answers = [show(parts, begin(parts, who), code) for _ in range(2)]

    assert answers == [Verdict.RIGHT, Verdict.WRONG]


def test_of_browsers_that_show_one_code_at_once_exactly_one_is_in(parts, dana):
    who, app, _ = dana
    code, tokens = shows(app, NOW), [begin(parts, who) for _ in range(4)]
    together, answers = threading.Barrier(4), []

    def come(token):
        together.wait()
        answers.append(show(parts, token, code))

    race(come, tokens)

    assert sorted(answer.name for answer in answers) == ["RIGHT", "WRONG", "WRONG", "WRONG"]


def test_of_browsers_that_use_one_recovery_code_at_once_exactly_one_is_in(parts, dana):
    who, _, codes = dana
    tokens, together, answers = [begin(parts, who) for _ in range(3)], threading.Barrier(3), []

    def come(token):
        together.wait()
        with parts.open_db() as db:
            proof = second_step.by_recovery_code(codes[0])
            answers.append(second_step.answer(db, token, proof, NOW).verdict)

    race(come, tokens)

    assert sorted(answer.name for answer in answers) == ["RIGHT", "WRONG", "WRONG"]


def race(do, tokens):
    threads = [threading.Thread(target=do, args=(token,)) for token in tokens]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_five_minutes_are_given(parts, dana):
    who, app, _ = dana
    almost, after = NOW + timedelta(minutes=4, seconds=59), NOW + timedelta(minutes=5)
    late, token = begin(parts, who), begin(parts, who)

    assert show(parts, token, shows(app, almost), almost) is Verdict.RIGHT
    assert show(parts, late, shows(app, after), after) is Verdict.OVER


def test_after_five_wrong_codes_the_password_is_asked_for_again(parts, dana):
    who, app, _ = dana
    token = begin(parts, who)
    answers = [show(parts, token, "000000x") for _ in range(5)]

    assert answers == [Verdict.WRONG] * 4 + [Verdict.OVER]
    assert show(parts, token, shows(app, NOW)) is Verdict.OVER
    with parts.read_db() as db:
        assert db.scalars(select(AuditEntry.action).order_by(AuditEntry.seq.desc())).first() == "second step refused"


def test_whoever_has_the_password_does_not_try_codes_for_ever(parts, dana):
    """A password that is right forgets nothing: after ten wrong codes nothing is looked at for a while."""
    who, app, _ = dana
    wrong_codes(parts, who, 10)
    closed = show(parts, begin(parts, who), shows(app, NOW))
    later = NOW + timedelta(minutes=1)

    assert closed is Verdict.CLOSED
    assert show(parts, begin(parts, who, later), shows(app, later), later) is Verdict.RIGHT


SITE = Site("localhost", "http://localhost:8000")


def show_alone(parts, token, at=NOW):
    with parts.open_db() as db:
        return second_step.answer_alone(db, token, SITE, "{}", at).verdict


def test_what_is_no_passkey_opens_nothing_and_five_of_them_are_enough(parts):
    with parts.open_db() as db:
        token = second_step.begin(db, None, NOW)

    assert [show_alone(parts, token) for _ in range(6)] == [Verdict.WRONG] * 4 + [Verdict.OVER] * 2


def test_who_came_without_a_password_shows_no_code_and_who_came_with_one_no_passkey_alone(parts, dana):
    who, app, _ = dana
    with parts.open_db() as db:
        without = second_step.begin(db, None, NOW)

    assert show(parts, without, shows(app, NOW)) is Verdict.OVER
    assert show_alone(parts, begin(parts, who)) is Verdict.OVER


def test_a_passkey_waits_for_nobodys_wrong_codes(parts, dana):
    who, _, _ = dana
    wrong_codes(parts, who, 10)
    token = begin(parts, who)
    with parts.open_db() as db:
        shown = second_step.answer(db, token, lambda *_: True, NOW, is_guess=False)

    assert shown.verdict is Verdict.RIGHT


def test_each_wrong_code_after_the_tenth_doubles_the_wait(parts, dana):
    who, app, _ = dana
    wrong_codes(parts, who, 10)
    later = NOW + timedelta(minutes=1)
    wrong_codes(parts, who, 1, later)
    soon, then = later + timedelta(seconds=119), later + timedelta(seconds=120)

    assert show(parts, begin(parts, who, soon), shows(app, soon), soon) is Verdict.CLOSED
    assert show(parts, begin(parts, who, then), shows(app, then), then) is Verdict.RIGHT


def test_being_in_forgets_the_wrong_codes_before(parts, dana):
    who, app, _ = dana
    for minutes in (0, 1, 2):
        at = NOW + timedelta(minutes=minutes)
        wrong_codes(parts, who, 9, at)

        assert show(parts, begin(parts, who, at), shows(app, at), at) is Verdict.RIGHT


def wrong_codes(parts, who, count, at=NOW):
    for number in range(count):
        if number % 5 == 0:
            token = begin(parts, who, at)
        show(parts, token, "000000x", at)


def test_who_left_the_staff_meanwhile_is_not_let_in(parts, dana):
    who, app, _ = dana
    token = begin(parts, who)
    with parts.open_db() as db:
        db.get_one(Staff, who.id).disabled_at = NOW

    assert show(parts, token, shows(app, NOW)) is Verdict.OVER


def test_a_token_that_was_made_up_is_nobodys(parts, dana):
    assert show(parts, "made up", "123456") is Verdict.OVER
    assert show(parts, "", "123456") is Verdict.OVER


def test_the_token_is_kept_as_its_hash_and_what_is_over_is_swept(parts, dana):
    token = begin(parts, dana[0])
    with parts.read_db() as db:
        kept = db.scalars(select(SecondStep)).one()
        assert token.encode() not in (kept.token_hash, kept.challenge)
    begin(parts, dana[0], NOW + timedelta(minutes=61))

    with parts.read_db() as db:
        assert db.scalar(select(func.count(SecondStep.id))) == 1


def test_removing_somebodys_factors_ends_what_they_have_begun(parts, dana):
    who, app, _ = dana
    token = begin(parts, who)
    with parts.open_db() as db:
        second_factor.remove_all(db, db.get_one(Staff, who.id), NOW)

    assert show(parts, token, shows(app, NOW)) is Verdict.OVER


@pytest.mark.parametrize(
    "garbage", ["", "x", "{}", "[]", "null", '{"id": 1}', "x" * 30_000, '{"id":"YQ","rawId":"YQ"}']
)
def test_what_is_no_passkey_is_refused_and_its_challenge_is_not_used_twice(parts, dana, garbage):
    who, _, _ = dana
    token = begin(parts, who)
    site = second_step.Site("localhost", "http://localhost")
    with parts.open_db() as db:
        before = second_step.find(db, token, NOW).challenge
        verdict = second_step.answer(db, token, second_step.by_passkey(site, garbage), NOW).verdict

        assert verdict is Verdict.WRONG
        assert second_step.find(db, token, NOW).challenge != before
