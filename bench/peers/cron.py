"""Cron style: every second select what is due, send it, mark it afterwards. An error leaves it for the next round."""

import logging
import os
import time

from sqlalchemy import select
from sqlalchemy.orm import Session

from bench.peers.messages import Message
from bench.peers.sending import engine, send

EVERY = float(os.environ.get("CRON_SECONDS", "1"))
AT_ONCE = 500

log = logging.getLogger(__name__)


def sweep() -> int:
    """One round. Returns how many messages it found."""
    now = time.time()
    with Session(engine()) as db:
        query = (
            select(Message.id)
            .where(Message.sent_at.is_(None), Message.due_at <= now, Message.expires_at > now)
            .order_by(Message.due_at)
            .limit(AT_ONCE)
        )
        due = list(db.scalars(query))
    for message_id in due:
        try:
            send(message_id)
        except Exception as error:  # as cron scripts do: it stands in the table, and is tried again
            log.warning("%s: %s", message_id, type(error).__name__)
    return len(due)


if __name__ == "__main__":
    while True:
        sweep()
        time.sleep(EVERY)
