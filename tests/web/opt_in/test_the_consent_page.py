"""The consent page: all that the law and the carriers want on it, and empty boxes."""

import re

import pytest

from service.rules.wording import promises
from tests.web.opt_in.conftest import MAIL, consents, member, questions

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
ELEMENTS = {
    "en": {
        "who sends": "Sent by Oak St Office, which is Oak Street Practice",
        "reminders": "reminders of my appointments",
        "reflection": "a short question to think about",
        "check-ins": "a mid-week check-in",
        "how often": "Up to 5 texts a week",
        "frequency varies": "Message frequency varies",
        "rates": "Message and data rates may apply",
        "stop": "Reply STOP",
        "help": "HELP",
        "terms": 'href="/terms?lang=en"',
        "privacy": 'href="/privacy?lang=en"',
        "automatic": "sent by a computer",
        "not watched": "Nobody watches replies live",
        "the screen": "others may see your screen",
        "no condition": "You do not have to agree to get care",
        "not shared": "not shared with others for marketing",
        "emergency": "911",
        "crisis": "988",
    },
    "es": {
        "who sends": "Los envía Oak St Office, que es Oak Street Practice",
        "reminders": "recordatorios de mis citas",
        "reflection": "una pregunta breve para pensar",
        "check-ins": "una pregunta a mitad de semana",
        "how often": "Hasta 5 mensajes por semana",
        "frequency varies": "La frecuencia varía",
        "rates": "Pueden aplicarse cargos por mensajes y datos",
        "stop": "Responda STOP",
        "help": "HELP",
        "terms": 'href="/terms?lang=es"',
        "privacy": 'href="/privacy?lang=es"',
        "automatic": "los envía una computadora",
        "not watched": "Nadie lee las respuestas en vivo",
        "the screen": "otras personas pueden ver su pantalla",
        "no condition": "No tiene que aceptar para recibir atención",
        "not shared": "no se comparten con otros para publicidad",
        "emergency": "911",
        "crisis": "988",
    },
}


@pytest.mark.parametrize("path", ["/opt-in", "link"])
@pytest.mark.parametrize("language", ["en", "es"])
def test_the_page_carries_every_element_in_each_language(client, link, path, language):
    page = client.get((link() if path == "link" else path) + f"?lang={language}").text

    assert [name for name, words in ELEMENTS[language].items() if words not in page] == []


@pytest.mark.parametrize("language", ["en", "es"])
def test_every_box_is_empty_and_none_is_required(client, link, language):
    page = client.get(link() + f"?lang={language}").text

    assert page.count('type="checkbox"') == 5
    assert not re.search(r"<input[^>]* (checked|required)", page)


def test_the_page_speaks_the_members_language_and_names_neither_them_nor_their_address(client, link):
    page = client.get(link(language="es")).text

    assert '<html lang="es">' in page
    assert "Usted decide" in page
    assert not any(word in page for word in ("Anna", "Bell", "5550100", MAIL))


def test_looking_at_the_page_changes_nothing(parts, client, link):
    path = link()
    for _ in range(50):
        client.get(path)
        client.head(path)

    assert (consents(parts), questions(parts), client.get(path).status_code) == ([], 0, 200)


def test_the_link_ends_after_three_days_and_opens_nothing_else(parts, client, link, clock):
    path = link()
    crossed = [client.get(path.replace("/opt-in/", other)).status_code for other in ("/me/", "/u/", "/password/")]
    clock.go(hours=73)

    assert (crossed, client.get(path).status_code) == ([404] * 3, 404)
    assert client.get("/opt-in/nonsense").status_code == 404


def test_the_sample_of_the_page_can_be_looked_at_and_not_saved(client):
    page = client.get("/opt-in")

    assert (page.status_code, "csrf_token" in page.text, client.post("/opt-in").status_code) == (200, False, 405)


@pytest.mark.parametrize("path", ["/terms", "/privacy"])
@pytest.mark.parametrize("language", ["en", "es"])
def test_terms_and_privacy_are_there_in_each_language_and_promise_nothing(client, parts, path, language):
    member(parts)
    page = client.get(f"{path}?lang={language}")

    assert page.status_code == 200
    assert "{" not in re.sub(r"<head>.*</head>", "", page.text, flags=re.DOTALL)
    assert promises(re.sub(r"<[^>]+>", " ", page.text)) == []
