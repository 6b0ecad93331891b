"""Status callbacks as every sample takes them: Flask, Twilio's validator, one UPDATE and one commit each."""

import os

from flask import Flask, abort, request
from sqlalchemy import create_engine, text
from twilio.request_validator import RequestValidator

RANKS = {"queued": 0, "sent": 1, "delivered": 2}
UPDATE = text("UPDATE messages SET status = :status, rank = :rank WHERE id = :id AND rank < :rank")


def create_app() -> Flask:
    app = Flask(__name__)
    engine = create_engine(os.environ["BASELINE_DB"])
    validator = RequestValidator(os.environ["TWILIO_AUTH_TOKEN"])

    @app.post("/webhooks/twilio/status")
    def status() -> tuple[str, int]:
        called = os.environ["PUBLIC_URL"] + request.full_path
        if not validator.validate(called, request.form, request.headers.get("X-Twilio-Signature", "")):
            abort(403)
        said = request.form["MessageStatus"]
        with engine.begin() as db:
            db.execute(UPDATE, {"status": said, "rank": RANKS[said], "id": request.args["m"]})
        return "", 204

    return app
