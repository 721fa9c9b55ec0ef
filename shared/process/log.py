"""Writes the log: one JSON line on stderr for each event of a process."""

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import TextIO

from typing_extensions import override

# Every LogRecord has these fields; all others come from `extra`.
_RECORD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_SECRET = re.compile("secret|password|token|authorization|credential|access_key|signature")
# At DEBUG these print requests with their signatures.
_LIBRARIES = ("boto3", "botocore", "s3transfer", "urllib3", "websocket")


def setup(process: str, level: str = "INFO", *, stream: TextIO | None = None) -> None:
    """Send the lines of every logger of this process to `stream` (stderr), warnings included."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter(process))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    for library in _LIBRARIES:
        logging.getLogger(library).setLevel(logging.WARNING)


def get(name: str) -> logging.Logger:
    """Return the logger of a module; pass facts by `extra`, never in the message."""
    return logging.getLogger(name)


class JsonFormatter(logging.Formatter):
    """Write a record as one line of JSON: fixed fields first, then its own."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    @override
    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, object] = {
            "ts": datetime.fromtimestamp(record.created, tz=UTC).isoformat(timespec="microseconds"),
            "level": record.levelname,
            "process": self._process,
            "logger": record.name,
            "message": record.getMessage(),
        }
        for name, value in vars(record).items():
            if name not in _RECORD_FIELDS:
                fields[name] = "***" if _SECRET.search(name.lower()) else value
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return json.dumps(fields, default=str)
