"""What members open by a link: whose it is, or the one page for every link that does not work."""

from typing import NoReturn

from flask import Blueprint, abort, make_response, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from service.flows import fresh_link, links
from service.models import Link
from service.web import parts

pages = Blueprint("member_links", __name__)


@pages.post("/new-link/<token>")
def send_again(token: str) -> ResponseReturnValue:
    """The same answer whatever the token: who guesses learns nothing."""
    with parts().open_db() as db:
        fresh_link.send_again(db, token, parts().settings.public_url, parts().clock())
    return render_template("member/link_gone.html", is_asked=True)


def opened(db: Session, token: str, *purposes: str) -> Link:
    """The link, if it may be used for one of these purposes; else the page that says what to do."""
    now = parts().clock()
    found = (links.follow(db, token, purpose, now) for purpose in purposes)
    return next((link for link in found if link is not None), None) or gone()


def gone() -> NoReturn:
    abort(make_response(render_template("member/link_gone.html", is_asked=False), 404))
