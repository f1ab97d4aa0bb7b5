"""The log: one JSON object a line on stderr.  Bodies and keys never get here, nor does any character that acts."""

import contextlib
import logging
import sys
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Literal

import msgspec

from gatecast.server.visits import Visit
from gatecast.visible import visible_json


def to_stderr(line: bytes) -> None:
    """Write a line at once."""
    sys.stderr.buffer.write(line)
    sys.stderr.buffer.flush()


class Log:
    """Writes lines.

    Args:
        write: takes one of them.
        every: `errors` for requests refused or failed alone, which costs those that go well nothing; `all` for all.
    """

    def __init__(self, write: Callable[[bytes], object], every: Literal["errors", "all"] = "errors") -> None:
        self._write_line = write
        self._least = 400 if every == "errors" else 0

    def request(self, visit: Visit, seconds: float) -> None:
        """One request and how it was answered."""
        if visit.status < self._least:
            return
        level = "error" if visit.status >= 500 else "warning" if visit.status >= 400 else "info"
        self._write(level, _about(visit) | {"status": visit.status, "ms": round(seconds * 1000, 3)})

    def failure(self, visit: Visit, error: BaseException) -> None:
        """An exception that nobody expected, with its traceback, which is for the log alone."""
        self._write("error", _about(visit) | {"traceback": _trace(error)})

    def note(self, level: str, message: str, error: BaseException | None = None) -> None:
        """Anything else."""
        trace = {"traceback": _trace(error)} if error is not None else {}
        self._write(level, {"message": message} | trace)

    def _write(self, level: str, facts: Mapping[str, object]) -> None:
        line = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "level": level, **facts}
        with contextlib.suppress(OSError, ValueError):  # nobody reads the log any more: no reason to stop serving
            self._write_line(visible_json(msgspec.json.encode(line).decode()).encode() + b"\n")


class LogHandler(logging.Handler):
    """Takes what libraries log into the same log."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        error = record.exc_info[1] if record.exc_info else None
        self._log.note(record.levelname.lower(), record.getMessage().strip(), error)


def _about(visit: Visit) -> dict[str, object]:
    return {
        "request": visit.id,
        "method": visit.method,
        "route": visit.route,
        "client": visit.address,
        "key": visit.key.name if visit.key else None,
    }


def _trace(error: BaseException) -> str:
    text = "".join(traceback.format_exception(error))
    return text.encode("utf-8", "backslashreplace").decode()
