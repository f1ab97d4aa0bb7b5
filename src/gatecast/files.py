"""Writing a file so that nobody ever sees half of it."""

import os
import secrets
from pathlib import Path


def write_atomic(path: Path, data: bytes) -> None:
    """Replace the file at `path` by `data`: readers see the old version or the new one, even after a power cut.

    The bytes go to a temporary name in the same folder, reach the disk, and only then take the name; the folder is
    flushed too, because the name is stored there.

    Raises:
        OSError: the folder is missing, read-only or full; the previous version is whole and nothing is left over.
    """
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        _write_through(temporary, data)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _flush_folder(path.parent)


def _write_through(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    if os.name != "posix":  # elsewhere a folder cannot be opened to be flushed
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
