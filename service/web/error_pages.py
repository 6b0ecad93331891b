"""What a request is told that went wrong: a sentence, never a traceback."""

import logging

from flask import Flask, Response, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, SecurityError

from service.web.on_record import NotOnRecord

logger = logging.getLogger(__name__)

SENTENCES = {
    400: ("Bad request", "The request could not be understood."),
    403: ("Not allowed", "This is not allowed."),
    404: ("Not found", "There is nothing here. It may have been moved or taken away."),
    405: ("Not allowed", "This address does not take that kind of request."),
    408: ("Too slow", "What was sent did not arrive in time. Try again."),
    413: ("Too large", "What was sent is too large. Split it and try again."),
    429: ("Too many", "Too many tries. Wait a little and try again."),
    500: (
        "Something broke on our side",
        "Nothing was half-saved. Try again; if it happens again, tell your administrator.",
    ),
    503: ("Not ready", "The service is not ready. Try again in a moment."),
}


def add_error_pages(app: Flask) -> None:
    """A page for each mistake, and for whatever breaks; what speaks to a machine gets a bare code."""

    @app.errorhandler(CSRFError)
    def expired_form(error: CSRFError) -> ResponseReturnValue:
        title = "The page was open too long"
        return _page(400, title, "Load it again and repeat what you did.")

    @app.errorhandler(SecurityError)
    def not_our_name(error: SecurityError) -> ResponseReturnValue:
        # no page: its links would be made from a name that is not ours
        return Response(
            "Bad request. This is not the address of this service.\n", 400, content_type="text/plain; charset=utf-8"
        )

    @app.errorhandler(HTTPException)
    def said_no(error: HTTPException) -> ResponseReturnValue:
        code = error.code or 500
        if error.response is not None or code < 400:
            return error
        words = error.words if isinstance(error, NotOnRecord) else SENTENCES.get(code, SENTENCES[400])
        return _page(code, *words)

    @app.errorhandler(Exception)
    def broke(error: Exception) -> ResponseReturnValue:
        logger.exception("request failed")
        if request.blueprint in ("twilio", "sendgrid"):
            return "", 503  # the provider comes again
        return _page(500, *SENTENCES[500])


def _page(code: int, title: str, sentence: str) -> ResponseReturnValue:
    if request.path.startswith("/webhooks/") or request.path in ("/healthz", "/readyz"):
        return "", code
    return render_template("error.html", error_title=title, sentence=sentence), code
