"""Writing a file or a folder so that nobody ever sees half of it."""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MARK, _BYTES = ".tmp", 8


def temporary_beside(path: Path) -> Path:
    """A name in the same folder that nobody has, hidden, and known as temporary."""
    return path.with_name(f".{secrets.token_hex(_BYTES)}{_MARK}")


def is_temporary(path: Path) -> bool:
    """Whether a name is one of those: what a process that was killed has left."""
    return path.name.startswith(".") and path.name.endswith(_MARK) and len(path.stem) == 2 * _BYTES + 1


def write_atomic(path: Path, data: bytes) -> None:
    """Replace the file at `path` by `data`: readers see the old version or the new one, even after a power cut.

    The bytes go to a temporary name in the same folder, reach the disk, and only then take the name; the folder is
    flushed too, because the name is stored there.

    Raises:
        OSError: the folder is missing, read-only or full; the previous version is whole and nothing is left over.
    """
    with replaced(path) as temporary, temporary.open("xb") as file:
        file.write(data)


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """As `write_atomic`, for a file too large for memory: write it at the name handed out, in whatever way.

    Raises:
        OSError: as `write_atomic`.
    """
    temporary = temporary_beside(path)
    try:
        yield temporary
        _flush(temporary, os.O_RDWR)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _flush_folder(path.parent)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder that is there whole or not at all: fill the one handed out; then it takes the name.

    Raises:
        OSError: there is such a folder with something in it, or its parent is missing, read-only or full.
    """
    temporary = temporary_beside(path)
    temporary.mkdir()
    try:
        yield temporary
        for file in temporary.iterdir():
            _flush(file, os.O_RDWR)
        _flush_folder(temporary)
        temporary.replace(path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    _flush_folder(path.parent)


def _flush_folder(folder: Path) -> None:
    if os.name == "posix":  # elsewhere a folder cannot be opened to be flushed
        _flush(folder, os.O_RDONLY)


def _flush(path: Path, way: int) -> None:
    handle = os.open(path, way)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
