"""The log: one JSON object a line, or readable lines on a terminal; no secret and no customer's word in it.

A fault is written down by its type and the places it passed, not by its message: messages of faults are
where texts and passwords get into logs.
"""

from __future__ import annotations

import logging
import sys
import traceback
from pathlib import Path
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

SECRET_WORDS = ("authorization", "cookie", "password", "secret", "token", "link")
"""A value whose key holds one of these is never written."""
BODY_KEYS = frozenset(
    {"answers", "body", "payload", "text", "message", "before", "subject", "email", "phone"}
)
"""What people wrote, and where they can be reached."""
HIDDEN = "[hidden]"
MAX_ERROR = 300
MAX_PLACES = 12


def configure_logging(level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send every log line of this process to ``stream`` (standard error), from ``level`` on."""
    out = stream or sys.stderr
    terminal = out.isatty()
    processors: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        describe_fault,
        hide_secrets,
    ]
    last: Processor = (
        structlog.dev.ConsoleRenderer(colors=True) if terminal else structlog.processors.JSONRenderer()
    )
    number = logging.getLevelNamesMapping()[level]
    structlog.configure(
        processors=[*processors, last],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    _take_over_standard_logging(processors, last, out)


def describe_fault(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Replace an exception by its type, the types behind it and the places it passed."""
    given = event.pop("exc_info", None)
    error = sys.exc_info()[1] if given is True else given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        event["fault"] = " <- ".join(_types(error))
        event["places"] = _places(error)
    if isinstance(event.get("error"), str):
        # A database's second line quotes the values of the row.
        event["error"] = event["error"].partition("\n")[0][:MAX_ERROR]
    return event


def hide_secrets(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Hide values that hold a secret or somebody's words, going by their keys."""
    for key in event:
        lower = key.lower()
        if lower in BODY_KEYS or any(word in lower for word in SECRET_WORDS):
            event[key] = HIDDEN
    return event


def _types(error: BaseException) -> list[str]:
    names: list[str] = []
    current: BaseException | None = error
    while current is not None and len(names) < MAX_PLACES:
        names.append(type(current).__name__)
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return names


def _places(error: BaseException) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)[-MAX_PLACES:]
    return [f"{'/'.join(Path(frame.filename).parts[-2:])}:{frame.lineno} {frame.name}" for frame in frames]


class _Quiet(logging.Filter):
    """Leaves of a library's message the first line of its template: the rest may be anybody's words."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.args = ()
        record.msg = str(record.msg).partition("\n")[0][:MAX_ERROR]
        return True


def _take_over_standard_logging(processors: list[Processor], last: Processor, out: TextIO) -> None:
    handler = logging.StreamHandler(out)
    handler.addFilter(_Quiet())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *processors],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
