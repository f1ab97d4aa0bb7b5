"""What goes wrong while a file is read, told as a lesson: damage, missing rights, a file that somebody still writes."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import polars as pl

from gatecast.data.kinds import refuse_no_file
from gatecast.errors import TableError

Look: TypeAlias = tuple[int, int, int]
_MOST = 120  # characters of what a library says
# A reader in Rust says by a panic that numbers in a file make no sense.
_DAMAGE = (
    EOFError,
    zlib.error,
    gzip.BadGzipFile,
    UnicodeError,
    pl.exceptions.PolarsError,
    pl.exceptions.PanicException,
)


@contextmanager
def trouble_told(path: Path, since: Look | None = None) -> Iterator[None]:
    """Hold a file to what it was when its reading began, and tell of damage.

    Args:
        path: of the file.
        since: how it looked when its reading began, if that was earlier than now.

    Raises:
        TableError: there is no such file, it is damaged, cannot be read, or has changed meanwhile.
    """
    try:
        refuse_no_file(path)
        before = since or look(path)
        try:
            yield
        except (*_DAMAGE, TableError):
            _refuse_changed(path, before)
            raise
        _refuse_changed(path, before)
    except PermissionError as error:
        raise TableError(
            f"{path.name} may not be read by you. Have its owner or its rights changed, or give a copy of it."
        ) from error
    except (*_DAMAGE, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # the system speaks, not a library of the file
            raise TableError(
                f"{path.name[:_MOST]} cannot be read: {error.strerror}. Check the name and the disk it lies on."
            ) from error
        raise TableError(f"{path.name} is damaged or cut short ({_said(error)}). Fetch or write it again.") from error


def look(path: Path) -> Look:
    """What tells that somebody has written to a file: its size, the time of its last change, and which file it is."""
    found = path.stat()
    return found.st_size, found.st_mtime_ns, found.st_ino


def _refuse_changed(path: Path, before: Look) -> None:
    if not path.exists() or look(path) != before:
        raise TableError(f"{path.name} changed while it was read. Wait until it is written, and begin again.")


def _said(error: BaseException) -> str:
    """The first line of what a library says, no longer than it can be read."""
    if isinstance(error, UnicodeDecodeError):
        return f"0x{error.object[error.start : error.end].hex()} is no {error.encoding.upper()}"
    first = (str(error).splitlines() or [type(error).__name__])[0]
    return first if len(first) <= _MOST else f"{first[:_MOST]}..."
