"""Logs: one line an event, JSON where no person reads along. Never a name, a number, an address, words or a group."""

import json
import logging
import sys
from datetime import UTC, datetime
from logging import LogRecord

from service.settings import Settings

QUIET = ("twilio", "sendgrid", "python_http_client", "urllib3", "rq", "sqlalchemy", "alembic", "werkzeug")
"""Their INFO and DEBUG hold numbers, words or keys."""


class JsonLines(logging.Formatter):
    def format(self, record: LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "from": record.name,
            "said": record.getMessage(),
        }
        if record.exc_info:
            line["error"] = _where(record)
        return json.dumps(line, ensure_ascii=True)


class TextLines(logging.Formatter):
    def format(self, record: LogRecord) -> str:
        said = record.getMessage().replace("\r", "\\r").replace("\n", "\\n").replace("\x1b", "\\e")
        line = f"{self.formatTime(record, '%H:%M:%S')} {record.levelname.lower():7} {record.name}: {said}"
        return f"{line} [{_where(record)}]" if record.exc_info else line


def set_up_logging(settings: Settings) -> None:
    as_json = settings.log_format == "json" or (not settings.log_format and not sys.stderr.isatty())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if as_json else TextLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _where(record: LogRecord) -> str:
    """The kind of error and the lines it came through. Not its text: that may hold what a person wrote."""
    if not record.exc_info or record.exc_info[1] is None:
        return ""
    error = record.exc_info[1]
    lines, trace = [], error.__traceback__
    while trace is not None:
        lines.append(f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}")
        trace = trace.tb_next
    return f"{type(error).__name__} at {' > '.join(lines[-6:])}"
