"""What a worker says on standard error: lines for people, or JSON lines for programs."""

import json
import logging
import sys
from typing import Final

_WORDS: Final = "%(asctime)s %(levelname)s %(message)s"
_LOGGERS: Final = ("cpds.worker", "workers_app")
"""The worker's own, and that of the executors it calls."""


class JSONLines(logging.Formatter):
    """Writes a record as an object: ``at``, ``level``, ``event`` and the facts of the message."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        event, *facts = record.getMessage().split(" ")
        pairs = [each.partition("=") for each in facts]
        said = {"at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"), "level": record.levelname.lower()}
        if all(sign for _, sign, _ in pairs):
            said |= {"event": event, **{name: value for name, _, value in pairs}}
        else:
            said |= {"event": event.rstrip(":"), "message": record.getMessage()}
        if record.exc_info:
            said["error"] = self.formatException(record.exc_info)
        return json.dumps(said, ensure_ascii=False)


def write_logs(*, as_json: bool) -> None:
    """Have the worker's log written to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JSONLines() if as_json else logging.Formatter(_WORDS))
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False
