"""Pages of the phone, asked for without following where they lead."""

from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPRedirectHandler, Request, build_opener

ANN = "ann@example.sandbox.test"


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


OPENER = build_opener(_NoRedirect)


def ask(sandbox, path: str, form: dict | None = None, **headers: str) -> tuple[int, dict, str]:
    data = None if form is None else urlencode(form).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        answer = OPENER.open(Request(f"{sandbox.url}{path}", data, named), timeout=10)
    except HTTPError as error:
        answer = error
    with answer:
        return answer.status, dict(answer.headers), answer.read().decode()


def screen(sandbox, person: str = "") -> str:
    return ask(sandbox, f"/?{urlencode({'with': person})}" if person else "/")[2]
