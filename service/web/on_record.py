"""What is a member's own is shown once it is on record who reads it. Where that cannot be written nothing is shown."""

import logging
from collections.abc import Collection

from flask import g, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import ServiceUnavailable

from service.flows import reading
from service.flows.reading import Sight
from service.web import parts

logger = logging.getLogger(__name__)


class NotOnRecord(ServiceUnavailable):
    """Nobody may see now what was asked for."""

    words = (
        "This cannot be shown now",
        "Whoever reads what is a member's own is put on record, and that record cannot be written at the moment. Try "
        "again in a minute. Where somebody may be in danger do not wait: call them, or whoever is on call.",
    )


def before_showing(sights: Collection[Sight]) -> None:
    """Put it on record. A browser that only looks ahead gets nothing, and leaves no trace: nobody has asked for it.

    Raises NotOnRecord. Not within `open_db`: where one is open, `reading.record` does it in that transaction.
    """
    if not sights or request.method == "HEAD":
        return
    if _looks_ahead():
        raise NotOnRecord
    now = parts().clock()
    try:
        with parts().read_db() as db:
            new = reading.not_on_record(db, g.staff.id, sights, now)
        if new:
            with parts().open_db() as db:
                reading.record(db, g.staff.id, new, now)
    except SQLAlchemyError as error:
        logger.exception("nothing was shown: that it was read could not be put on record")
        raise NotOnRecord from error


def _looks_ahead() -> bool:
    return any("prefetch" in request.headers.get(name, "") for name in ("Sec-Purpose", "Purpose"))
