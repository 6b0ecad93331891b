"""Members' pages behind a link: opening one changes nothing, pressing a button does, and a stale one is gone."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from service.flows import enrol, links
from service.flows.suppress import is_suppressed
from service.models import Attendance, Enrolment, Link, Member, Reply
from service.models.groups import Answer
from service.rules.consent import Channel, Choice
from service.rules.kinds import Kind
from service.rules.lifecycle import State
from tests import builders
from tests.builders import NOW
from tests.web.conftest import TOKEN

ADDRESS = "anna@example.org"
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def mailed(parts):
    """The links of a mail: to its message, and to stop."""

    def send(kind=Kind.REMINDER, language="en", **values):
        with parts.open_db() as db:
            who = builders.member(db, email=ADDRESS, choice=Choice.BOTH, language=language)
            about = builders.session(db, builders.group(db))
            sent = {"state": State.DELIVERED, "attempts": 1, "marked_at": NOW, "channel": Channel.EMAIL, **values}
            row = builders.delivery(db, who, about, kind, **sent)
            row.body = "The words of the mail."
            until = NOW + timedelta(days=14)
            message = links.new_link(db, "message", until, member_id=who.id, delivery_id=row.id)
            return f"/me/{message}", f"/u/{links.new_link(db, 'unsubscribe', None, member_id=who.id)}"

    return send


def press(client, path, **form):
    return client.post(path, data={"csrf_token": TOKEN.search(client.get(path).text)[1], **form})


def answers(parts):
    with parts.read_db() as db:
        return [row.answer for row in db.scalars(select(Attendance))]


def replies(parts):
    with parts.read_db() as db:
        return db.scalars(select(Reply)).all()


def is_out(parts, channel=Channel.EMAIL):
    with parts.read_db() as db:
        link = db.scalars(select(Link).where(Link.purpose == "unsubscribe")).one()
        member = db.get_one(Member, link.member_id)
        return is_suppressed(db, channel, member.address_index(channel))


def test_the_page_shows_the_message_and_nothing_of_the_group(parts, client, mailed):
    page = client.get(mailed()[0])

    assert page.status_code == 200
    assert "The words of the mail." in page.text
    assert not any(word in page.text for word in ("grief", "Room 2", "Anna Bell", ADDRESS))


@pytest.mark.parametrize(("button", "means"), [("coming", Answer.COMING), ("cannot", Answer.CANNOT)])
def test_a_button_answers(parts, client, mailed, button, means):
    page = press(client, mailed()[0], answer=button)

    assert page.status_code == 200
    assert answers(parts) == [means]


def test_looking_and_scanning_answers_nothing(parts, client, mailed):
    message, stop = mailed()
    for path in (message, stop) * 5:
        client.get(path)
        client.head(path)

    assert (answers(parts), replies(parts), is_out(parts)) == ([], [], False)


def test_after_the_start_there_is_no_button(parts, client, clock, mailed):
    path, _ = mailed()
    token = TOKEN.search(client.get(path).text)[1]
    clock.go(days=4)

    assert 'value="coming"' not in client.get(path).text
    assert client.post(path, data={"csrf_token": token, "answer": "coming"}).status_code == 422
    assert answers(parts) == []


def test_words_are_kept_for_the_staff_and_answered_by_what_is_true(parts, client, mailed):
    page = press(client, mailed(Kind.REFLECTION)[0], words="I felt calmer.")

    assert [reply.text for reply in replies(parts)] == ["I felt calmer."]
    assert "not watched live" in page.text


def test_words_of_distress_are_answered_on_the_page_and_need_a_person_now(parts, client, mailed):
    page = press(client, mailed(Kind.REFLECTION)[0], words="I want to die")

    assert "988" in page.text
    with parts.read_db() as db:
        assert len(db.scalars(Reply.urgent()).all()) == 1


@pytest.mark.parametrize("form", [{}, {"answer": "maybe"}, {"words": "   "}])
def test_an_answer_that_is_none_is_said_so(parts, client, mailed, form):
    page = press(client, mailed()[0], **form)

    assert page.status_code == 422
    assert "Choose an answer" in page.text


@pytest.mark.parametrize("words", ["\x00", "<script>alert(1)</script>", "x" * 50_000, "مرحبا"])
def test_any_words_are_taken(parts, client, mailed, words):
    page = press(client, mailed(Kind.REFLECTION)[0], words=words)

    assert page.status_code in (200, 422)
    assert "<script>alert" not in page.text


def test_the_page_speaks_the_members_language(client, mailed):
    assert "Su respuesta" in client.get(mailed(Kind.REFLECTION, "es")[0]).text


@pytest.mark.parametrize("token", ["nonsense", "A" * 22, "x" * 5000, "%00", "..%2f..%2fetc"])
@pytest.mark.parametrize("kind", ["me", "u"])
@builders.on_sqlite
def test_a_link_that_never_was_is_gone_in_words(client, kind, token):
    answer = client.get(f"/{kind}/{token}")

    assert answer.status_code == 404
    assert "does not work any more" in answer.text or "There is nothing here" in answer.text


@builders.on_sqlite
def test_a_link_that_is_too_old_is_gone_and_answers_nothing(parts, client, clock, mailed):
    path, _ = mailed()
    token = TOKEN.search(client.get(path).text)[1]
    clock.go(days=15)

    assert client.get(path).status_code == 404
    assert client.post(path, data={"csrf_token": token, "answer": "coming"}).status_code == 404
    assert answers(parts) == []


@builders.on_sqlite
def test_a_link_opens_nothing_but_its_own_purpose(client, mailed):
    message, stop = mailed()
    crossed = (message.replace("/me/", "/u/"), stop.replace("/u/", "/me/"), message.replace("/me/", "/password/"))

    assert [client.get(path).status_code for path in crossed] == [404] * 3


def test_one_click_stops_the_mails_and_not_the_texts(parts, client, mailed):
    _, stop = mailed()
    answer = client.post(stop, data=ONE_CLICK)

    assert (answer.status_code, is_out(parts), is_out(parts, Channel.SMS)) == (200, True, False)
    assert "Set-Cookie" not in answer.headers


def test_a_second_click_gets_the_same_answer(parts, client, mailed):
    _, stop = mailed()

    assert [client.post(stop, data=ONE_CLICK).status_code for _ in range(3)] == [200] * 3


def test_the_press_of_the_pages_own_button_stops_too(parts, client, mailed):
    _, stop = mailed()
    page = client.get(stop)
    client.post(stop, data=ONE_CLICK)

    assert "Stop emails" in page.text
    assert is_out(parts)


# after leaving


@pytest.fixture
def in_two(parts):
    """Somebody in two groups, the links that they have, and how they leave: the first group, or both."""
    with parts.open_db() as db:
        who = builders.member(db, email=ADDRESS, choice=Choice.BOTH)
        places = [builders.group(db, name) for name in ("A", "B")]
        enrolments = [builders.enrolled(db, place, who).id for place in places]
        until, paths = NOW + timedelta(days=14), {}
        for name, place in zip("ab", places, strict=True):
            about = builders.session(db, place)
            row = builders.delivery(db, who, about, state=State.DELIVERED, channel=Channel.EMAIL, marked_at=NOW)
            row.body = "The words of the mail."
            paths[name] = f"/me/{links.new_link(db, 'message', until, member_id=who.id, delivery_id=row.id)}"
            if name == "a":
                stop = links.new_link(db, "unsubscribe", None, member_id=who.id, delivery_id=row.id)
        paths["agreement"] = f"/agreement/{links.new_link(db, 'agreement', until, member_id=who.id)}"
        paths["stop"] = f"/u/{stop}"

    def leave(day, *which):
        with parts.open_db() as db:
            for one in which:
                enrol.leave(db, db.get_one(Enrolment, enrolments[one]), day, NOW)

    return paths, leave


def opening(client, paths):
    return [name for name, path in paths.items() if client.get(path).status_code == 200]


def test_whoever_leaves_one_of_two_groups_opens_nothing_more_of_that_one(client, in_two):
    paths, leave = in_two
    before = opening(client, paths)
    leave(NOW.date(), 0)

    assert before == ["a", "b", "agreement", "stop"]
    assert opening(client, paths) == ["b", "agreement", "stop"]


def test_whoever_leaves_the_last_group_can_still_stop_emails_and_nothing_else(client, in_two):
    paths, leave = in_two
    leave(NOW.date(), 0, 1)

    assert opening(client, paths) == ["stop"]


def test_a_link_works_until_the_day_of_leaving_by_the_groups_clock(client, clock, in_two):
    paths, leave = in_two
    leave(NOW.date() + timedelta(days=1), 0, 1)
    before = opening(client, paths)
    clock.go(hours=24)

    assert before == ["a", "b", "agreement", "stop"]
    assert opening(client, paths) == ["stop"]
