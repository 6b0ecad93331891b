"""Every form and every query string, found in the app's own pages, with what no form of ours would send."""

import io
import re
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from itertools import count

import pytest
from sqlalchemy import event
from werkzeug.datastructures import MultiDict

from service.app import create_app
from service.database import Transaction
from tests.web.role_table import TABLE, A, F
from tests.web.worlds import path_of, routes

NONSENSE = {
    "empty": "",
    "spaces": "   ",
    "long": "x" * 10_000,
    "emoji": "\U0001f468\u200d\U0001f469\u200d\U0001f467" * 20,
    "right to left": "\u202e\u0645\u0631\u062d\u0628\u0627",
    "NUL": "a\0b",
    "half a pair": "\ud83d".encode("utf-8", "surrogatepass").decode("utf-8", "replace"),
    "negative": "-1",
    "huge": "9" * 400,
    "fraction": "1.5",
    "other digits": "\u0661\u0662",
    "no number": "1e9",
    "no such day": "2027-02-31",
    "first year": "0001-01-01",
    "last year": "9999-12-31",
    "first moment": "0001-01-01T00:00",
    "last moment": "9999-12-31T23:59",
    "skipped hour": "2026-03-08T02:30",
    "with a zone": "2026-03-08T02:30+14:00",
    "week": "2027-W01-1",
    "no such hour": "24:60",
    "nobody": "00000000-0000-0000-0000-000000000000",
    "no id": "not-an-id",
    "braces": "{sender.__class__} {0} {{7*7}} {",
    "lines": 'a,b,c\r\n;;;\t\n"',
}
QUERY = ("page", "show", "group", "kind", "channel", "since", "until", "member", "q", "lang", "language", "who", "what")
QUERY += ("as_of", "reply", "next", "version", "form", "line_of", "check", "days", "undo")
ON_RECORD = {"audit_entries", "sign_ins", "sign_in_tries"}
"""What is written also where somebody is refused."""

EVERY = 9
"""Each field gets one in so many of the sorts, the next field others: all of them on all fields take half an hour."""

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


class Forms(HTMLParser):
    """The forms of a page: where each goes, and what it holds."""

    def __init__(self):
        super().__init__()
        self.found, self._select, self._area = [], None, None

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag == "form":
            self.found.append((given.get("action"), (given.get("method") or "get").upper(), {}))
        if not self.found or ("name" not in given and tag not in ("option",)):
            return
        fields = self.found[-1][2]
        if tag == "input" and (given.get("type") not in ("checkbox", "radio") or "checked" in given):
            fields[given["name"]] = given.get("value") or ""
        elif tag in ("input", "button"):
            fields.setdefault(given["name"], given.get("value") or "1")
        elif tag == "textarea":
            self._area = given["name"]
            fields[self._area] = ""
        elif tag == "select":
            self._select = given["name"]
            fields[self._select] = ""
        elif tag == "option" and self._select and ("selected" in given or not fields[self._select]):
            fields[self._select] = given.get("value") or ""

    def handle_data(self, data):
        if self._area and self.found:
            self.found[-1][2][self._area] += data

    def handle_endtag(self, tag):
        if tag == "textarea":
            self._area = None
        if tag == "select":
            self._select = None


@dataclass
class Watch:
    """Which tables the request at hand wrote to."""

    tables: set = field(default_factory=set)


@pytest.fixture
def watch(engine):
    seen = Watch()

    def note(connection, cursor, statement, parameters, context, many):
        found = re.match(r"\s*(?:INSERT INTO|UPDATE|DELETE FROM) \"?(\w+)", statement)
        if found:
            seen.tables.add(found[1])

    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


@pytest.fixture
def dry(parts, engine):
    """The parts of a process whose every transaction is written out, and then taken back: the next one asked finds
    the same world."""

    @contextmanager
    def open_db():
        with Transaction(engine, expire_on_commit=False) as db:
            yield db
            db.flush()
            db.expunge_all()
            db.rollback()

    return replace(parts, open_db=open_db)


def some(turn):
    """Some of the sorts, others at each turn."""
    return list(NONSENSE.items())[next(turn) % EVERY :: EVERY]


def mutations(fields, turn):
    """The form's own fields with one of them wrong, doubled or left out; then all of them wrong, and none."""
    for name in fields:
        if name == "csrf_token":
            continue
        for what, value in some(turn):
            yield f"{name}: {what}", MultiDict({**fields, name: value})
        if next(turn) % 2:
            yield f"{name}: missing", MultiDict({key: value for key, value in fields.items() if key != name})
        else:
            yield f"{name}: twice", MultiDict([*fields.items(), (name, "-1"), (name, "x")])
    for what, value in some(turn):
        yield f"all: {what}", MultiDict(dict.fromkeys(fields, value))
    yield "nothing", MultiDict()


def judge(bad, answer, watch, what):
    if answer.status_code >= 500 or "Traceback" in answer.text:
        bad.append((what, answer.status_code))
    if answer.status_code >= 400 and watch.tables - ON_RECORD:
        bad.append((what, answer.status_code, sorted(watch.tables)))


@pytest.mark.parametrize("role", [A, F])
def test_no_form_breaks(parts, dry, own, signed_in, watch, role):
    app = create_app(dry)
    app.config["WTF_CSRF_ENABLED"] = False
    cookie = signed_in(role).get_cookie("staff").value
    client = app.test_client()
    client.set_cookie("staff", cookie)
    forms, bad, turn = {}, [], count()
    for rule, method in routes(app):
        if method == "GET" and role in TABLE[rule.endpoint]:
            path = path_of(app, rule, "GET", own)
            parser = Forms()
            parser.feed(client.get(path).text)
            for action, how, fields in parser.found:
                key = (action or path).split("?")[0]
                if "/sign-out" not in key:
                    forms.setdefault((key, how), {}).update(fields)
    for (path, how), fields in forms.items():
        for what, given in mutations(fields, turn):
            watch.tables.clear()
            answer = client.post(path, data=given) if how == "POST" else client.get(path, query_string=given)
            judge(bad, answer, watch, f"{how} {path} {what}")

    assert bad == []


def test_no_query_breaks(parts, dry, own, signed_in, watch):
    app = create_app(dry)
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    client.set_cookie("staff", signed_in(A).get_cookie("staff").value)
    bad, turn = [], count()
    for rule, method in routes(app):
        if method == "GET":
            path = path_of(app, rule, "GET", own)
            for name in QUERY:
                for what, value in some(turn)[:1]:
                    watch.tables.clear()
                    judge(bad, client.get(path, query_string={name: value}), watch, f"{path} {name}: {what}")

    assert bad == []


BODIES = {
    "json": {"data": b'{"a": [1', "content_type": "application/json"},
    "no type": {"data": b"\0\xff\xfe", "content_type": ""},
    "no boundary": {"data": b"--x\r\n", "content_type": "multipart/form-data"},
    "cut": {
        "data": b'--x\r\nContent-Disposition: form-data; name="a"\r\n',
        "content_type": "multipart/form-data; boundary=x",
    },
    "bytes": {"data": b"name=%ff%fe&=&&=%&a", "content_type": "application/x-www-form-urlencoded"},
    "latin": {"data": b"name=\xe9", "content_type": "application/x-www-form-urlencoded; charset=latin-1"},
    "odd charset": {"data": b"name=a", "content_type": "application/x-www-form-urlencoded; charset=nonsense"},
    "a file for a word": {"data": {"name": (io.BytesIO(b"x"), "x.txt"), "file": "word"}},
}


def test_no_body_breaks(parts, dry, own, signed_in, watch):
    app = create_app(dry)
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    client.set_cookie("staff", signed_in(A).get_cookie("staff").value)
    bad = []
    for rule, method in routes(app):
        if method == "POST":
            path = path_of(app, rule, "POST", own)
            for what, named in BODIES.items():
                watch.tables.clear()
                if what == "a file for a word":
                    named = {"data": {"name": (io.BytesIO(b"x"), "x.txt"), "file": "word"}}
                judge(bad, client.post(path, **named), watch, f"{path} {what}")

    assert bad == []
