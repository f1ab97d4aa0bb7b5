"""Writing a file so that nobody ever sees half of it, even after a power cut.

Bytes last once the file is flushed, and names once the folder is; before that a power cut may leave any of it, in any
order (Pillai et al. 2014, "All File Systems Are Not Created Equal").
"""

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gatecast.errors import DiskError

MARK, _BYTES = ".tmp", 8


def temporary_beside(path: Path) -> Path:
    """A name in the same folder that nobody has, hidden, and known as temporary; half of it tells for which path."""
    return path.with_name(f".{told_apart(path)}{secrets.token_hex(_BYTES // 2)}{MARK}")


def told_apart(path: Path) -> str:
    """Of any name, however long, eight letters."""
    return hashlib.blake2b(os.fsencode(path.name), digest_size=_BYTES // 2).hexdigest()


def is_temporary(path: Path) -> bool:
    """Whether a name is one of those: what a process that was killed has left."""
    return path.name.startswith(".") and path.name.endswith(MARK) and len(path.stem) == 2 * _BYTES + 1


def write_atomic(path: Path, data: bytes) -> None:
    """Replace the file at `path` by `data`: readers see the old version or the new one, even after a power cut.

    The bytes go to a temporary name in the same folder, reach the disk, and only then take the name; the folder is
    flushed too, because the name is stored there.

    Raises:
        DiskError: the folder is missing, read-only or full; the previous version is whole and nothing is left over.
    """
    with replaced(path) as temporary, temporary.open("xb") as file:
        file.write(data)


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """As `write_atomic`, for a file too large for memory: write it at the name handed out, in whatever way.

    Raises:
        DiskError: as `write_atomic`.
    """
    temporary = temporary_beside(path)
    with writing(path, temporary):
        try:
            yield temporary
            flush(temporary)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        flush_folder(path.parent)


@contextmanager
def writing(path: Path, *others: Path) -> Iterator[None]:
    """What the system says no with, as a lesson about `path`: all that names no file, `path`, or one of the others.

    Raises:
        DiskError: in the place of each OSError about them.
    """
    try:
        yield
    except OSError as error:
        name = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes | Path) else str(path)
        said = isinstance(error, DiskError)
        if not any(name.startswith(str(ours)) for ours in (others if said else (path, *others))):
            raise
        raise DiskError(error.errno, error.strerror or str(error), str(path)) from error


def flush_folder(folder: Path) -> None:
    """Make the names in it last.

    Raises:
        OSError: they cannot be flushed.
    """
    if os.name == "posix":  # elsewhere a folder cannot be opened to be flushed
        flush(folder, os.O_RDONLY)


def flush(path: Path, way: int = os.O_RDWR) -> None:
    """Make its bytes last.

    Raises:
        OSError: they cannot be flushed.
    """
    handle = os.open(path, way)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
