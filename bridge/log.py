"""How log lines look: text for people at a terminal, logfmt or JSON for what reads them later."""

import json
import logging
import sys
from datetime import UTC, datetime


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).astimezone()
        return f"{at:%H:%M:%S} {record.levelname:<7} {record.getMessage()}{_trace(self, record)}"


class _Logfmt(logging.Formatter):
    """One line each; what a stranger wrote cannot begin a second one."""

    def format(self, record: logging.LogRecord) -> str:
        message = json.dumps(record.getMessage() + _trace(self, record), ensure_ascii=False)
        return f"level={record.levelname.lower()} logger={record.name} msg={message}"


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(
            {
                "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
                "level": record.levelname.lower(),
                "logger": record.name,
                "message": record.getMessage() + _trace(self, record),
            },
            ensure_ascii=False,
        )


# Nobody reads where in the program a line was written, or in which thread: not looking halves what a line costs.
logging._srcfile = None
logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


def configure(form: str, level: str) -> None:
    """Send all log lines to stderr. `form` auto is text on a terminal, logfmt elsewhere."""
    if form == "auto":
        form = "text" if sys.stderr.isatty() else "logfmt"
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter({"text": _Text, "logfmt": _Logfmt, "json": _Json}[form]())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("bridge").setLevel(level.upper())


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    return "\n" + formatter.formatException(record.exc_info) if record.exc_info else ""
