"""How many parts a text takes is said as it is typed: the script in a real browser, against the rules that send."""

import json
from pathlib import Path

import pytest
from sqlalchemy import select

from service.flows import write
from service.models import Member, Practice
from service.rules.segments import Encoding, count
from tests.web.test_halt import scene  # noqa: F401  a member of a group

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "service/web/static/parts.js"
VECTORS = json.loads((ROOT / "tests/vectors/sms_segments.json").read_text(encoding="utf-8"))["vectors"]
TEXTS = [
    "See you on Thursday.",
    "a" * 120,
    "a" * 140,
    "[{}]~€ " * 20,
    "“Typeset” — quotes … and dashes",
    "á í ó ú ñ é ü ¿qué tal?",
    "emoji 😀 here",
    "😀" * 40,
    "ＦＵＬＬ width",
    "  two   spaces\tand tabs  ",
    "Ελληνικά Ω",
    "עברית",
    "zero\u200bwidth",
    "a\u0301 decomposed",
    *(case["text"] for case in VECTORS if 0 < len(case["text"]) <= write.LONGEST and case["text"].isprintable()),
]


@pytest.fixture
def form(parts, staff, scene, browser):  # noqa: F811
    """The page on which staff write, as it is served, with its script run."""
    page = browser.new_page()
    page.set_content(staff.get(f"/members/{scene.member}/message").text)
    page.add_script_tag(path=SCRIPT)
    yield page
    page.close()


def counted(parts, words, language="en"):
    with parts.read_db() as db:
        practice = db.scalars(select(Practice)).one()
        return count(write.sample(practice, " ".join(words.split()), language))


def test_the_page_counts_as_the_sender_does(parts, form):
    wrong = []
    for text in TEXTS:
        form.fill("#f-words", text)
        size = counted(parts, text)
        said = form.text_content("[data-parts-said]")
        parts_said = f"{size.segments} part" + ("" if size.segments == 1 else "s")
        if not said.startswith(f"{size.units} characters") or parts_said not in said:
            wrong.append((text, size, said))

    assert wrong == []


def test_nothing_is_said_of_an_empty_box_and_too_much_is_named(parts, form):
    assert form.is_hidden("[data-parts-said]")

    form.fill("#f-words", "😀" * 100)

    assert "shorten it" in form.text_content("[data-parts-said]")
    assert form.is_visible("[data-parts-said]")


def test_a_sign_that_makes_parts_short_is_pointed_out(parts, form):
    form.fill("#f-words", "see you 😀")

    assert counted(parts, "see you 😀").encoding is Encoding.UCS2
    assert "makes each one short" in form.text_content("[data-parts-said]")


def test_it_counts_in_the_language_of_whoever_gets_it(parts, staff, scene, browser):  # noqa: F811
    with parts.open_db() as db:
        db.get_one(Member, scene.member).language = "es"
    page = browser.new_page()
    page.set_content(staff.get(f"/members/{scene.member}/message").text)
    page.add_script_tag(path=SCRIPT)
    page.fill("#f-words", "Hasta el jueves.")
    said = page.text_content("[data-parts-said]")
    page.close()

    assert said.startswith(f"{counted(parts, 'Hasta el jueves.', 'es').units} characters")


def test_without_scripts_the_page_says_nothing_wrong(staff, scene):  # noqa: F811
    page = staff.get(f"/members/{scene.member}/message").text

    assert "data-parts-said hidden" in page
    assert 'src="/static/parts.js' in page
