"""Two groups with facilitators of their own, each with a member whose words only they may read; and every page."""

from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from service.app import STAFF_PAGES
from service.flows.check_in import FEWEST
from service.flows.plan import plan
from service.flows.receive import Inbound, receive
from service.models import Absence, CheckIn, Contact, Delivery, Flag, Reply
from service.rules.kinds import Kind
from tests import builders
from tests.builders import NOW

SHOWS = {"log.as_file", "audit.as_file", "members.show_addresses", "sessions.move", "message.send", "templates.preview"}
"""What shows something by a press, and changes nothing."""
TAKES_AWAY = ("group_members.leave", "on_call.remove", "on_call.come_back", "groups.set_facilitator")


@dataclass
class World:
    """A group with a facilitator of its own, a member, and a reply that only they may read."""

    name: str
    facilitator: UUID
    values: dict[str, UUID] = field(default_factory=dict)

    @property
    def canaries(self) -> tuple[str, ...]:
        return (f"group-{self.name}", f"outside-{self.name}", f"member-{self.name}", f"mail-{self.name}@")

    @property
    def words(self) -> str:
        return f"words-{self.name}"

    @property
    def reflection(self) -> str:
        return f"reflection-{self.name}"

    @property
    def score(self) -> str:
        """Of a check-in: in a form that nothing else on a page has."""
        return "6.83719" if self.name == "own" else "3.17389"

    @property
    def flagged(self) -> str:
        """What their flag is about."""
        return f"flagged-{self.name}"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What is read by their facilitator alone."""
        return (self.words, self.reflection, self.score)


def world(db, name, number):
    lee = builders.staff(db, f"lee-{name}@oak.example.org")
    made = World(name, lee.id)
    group = builders.group(db, f"group-{name}", outside_name=f"outside-{name}", place=f"place-{name}")
    group.facilitator_id = lee.id
    rule = builders.rule(db, group)
    ahead, past = builders.session(db, group), builders.session(db, group, NOW - timedelta(days=2))
    who = builders.member(db, f"member-{name}", mobile=number, email=f"mail-{name}@example.org")
    enrolment = builders.enrolled(db, group, who)
    plan(db, NOW)
    builders.delivery(db, who, past, marked_at=NOW).body = f"said-{name}"
    receive(db, Inbound(f"SM-{name}", number, made.words), NOW)
    receive(db, Inbound(f"SM-{name}-2", number, made.reflection), NOW)
    receive(db, Inbound(f"SM-{name}-3", number, made.flagged), NOW)
    reply_id = db.scalars(select(Reply.id).where(Reply.provider_id == f"SM-{name}")).one()
    add_check_ins(db, who, past, reply_id, made.score)
    made.values = {
        "group_id": group.id,
        "session_id": ahead.id,
        "member_id": who.id,
        "enrolment_id": enrolment.id,
        "rule_id": rule.id,
        "staff_id": lee.id,
        "key": "checkin_0_10",
        **called(db, who, lee, f"SM-{name}-3"),
        "delivery_id": db.scalars(select(Delivery.id).where(Delivery.group_session_id == ahead.id)).one(),
        "reply_id": reply_id,
    }
    return made


def add_check_ins(db, who, past, reply_id, score):
    """As many as it takes for them to be shown."""
    for weeks in range(FEWEST):
        at = NOW - timedelta(weeks=weeks + 1)
        asked = builders.delivery(db, who, past, Kind.CHECKIN, marked_at=at, start_revision=weeks)
        kept = {"asked_at": at, "answered_at": at, "is_late": False}
        row = CheckIn(member_id=who.id, delivery_id=asked.id, reply_id=reply_id, kind=Kind.CHECKIN, **kept)
        row.answer = score
        db.add(row)


def called(db, who, staff, provider_id):
    """A flag, what it is about, and somebody who is called for it."""
    flag = Flag(
        member_id=who.id,
        address_index=who.mobile_index,
        is_urgent=True,
        category="immediate",
        pattern="x",
        opened_at=NOW,
    )
    contact = Contact(staff_id=staff.id, position=0, days=[])
    absence = Absence(staff_id=staff.id, cover_id=staff.id, first=NOW.date(), last=NOW.date())
    db.add_all([flag, contact, absence])
    db.flush()
    db.scalars(select(Reply).where(Reply.provider_id == provider_id)).one().flag_id = flag.id
    return {"flag_id": flag.id, "contact_id": contact.id, "absence_id": absence.id}


def routes(app):
    """What takes away what others need comes last, the group itself at the very end."""
    found = [
        (rule, method)
        for rule in app.url_map.iter_rules()
        for method in ("GET", "POST")
        if method in rule.methods and rule.endpoint.partition(".")[0] in STAFF_PAGES
    ]
    order = {endpoint: place for place, endpoint in enumerate(TAKES_AWAY, 1)}
    return sorted(found, key=lambda one: order.get(one[0].endpoint, 0))


def path_of(app, rule, method, of):
    with app.test_request_context():
        values = {name: of.values[name] for name in rule.arguments}
        return app.url_map.bind("127.0.0.1").build(rule.endpoint, values, method=method)


def ask(app, client, rule, how, of):
    form = {"member": of.values["member_id"]} if how == "POST" else None
    return client.open(path_of(app, rule, how, of), method=how, data=form)


def pages_of(app, client, *worlds):
    """Every page that opens, and what shows something by a press."""
    for of in worlds:
        for rule, how in routes(app):
            if how == "GET" or rule.endpoint in SHOWS:
                yield rule.endpoint, ask(app, client, rule, how, of).text
