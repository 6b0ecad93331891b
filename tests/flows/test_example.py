"""The demo's practice is one in which every page has something to show."""

from sqlalchemy import select

from service.flows import example
from service.flows.check_in import FEWEST, as_number, trend
from service.models import CheckIn, Delivery, Member, Reply
from service.rules.kinds import Kind
from tests.builders import NOW, on_sqlite


@on_sqlite
def test_check_ins_are_answered_long_enough_to_be_drawn(parts):
    with parts.open_db() as db:
        example.fill(db, NOW, lambda: None)
        answers = db.scalars(select(CheckIn)).all()
        drawn = [member for member in db.scalars(select(Member)) if len(trend(db, member.id)) >= FEWEST]

        assert len(drawn) > 12
        assert all(0 <= as_number(row.answer) <= 10 for row in answers)
        assert all(row.answered_at <= NOW for row in answers)


@on_sqlite
def test_each_answer_belongs_to_the_question_that_asked_for_it(parts):
    with parts.open_db() as db:
        example.fill(db, NOW, lambda: None)
        for row in db.scalars(select(CheckIn)):
            asked, reply = db.get_one(Delivery, row.delivery_id), db.get_one(Reply, row.reply_id)

            assert (asked.kind, asked.member_id, reply.member_id) == (Kind.CHECKIN, row.member_id, row.member_id)
            assert reply.text == row.answer
