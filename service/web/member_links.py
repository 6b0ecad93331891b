"""What members open by a link: whose it is, or the one page for every link that does not work."""

from typing import NoReturn

from flask import abort, make_response, render_template
from sqlalchemy.orm import Session

from service.flows import links
from service.models import Link
from service.web import parts


def opened(db: Session, token: str, *purposes: str) -> Link:
    """The link, if it may be used for one of these purposes; else the page that says what to do."""
    now = parts().clock()
    found = (links.follow(db, token, purpose, now) for purpose in purposes)
    return next((link for link in found if link is not None), None) or gone()


def gone() -> NoReturn:
    abort(make_response(render_template("member/link_gone.html"), 404))
