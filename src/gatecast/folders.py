"""Folders that last once they are made, and hold no halves: of what killed processes leave, and of themselves."""

import errno
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gatecast.files import MARK, flush, flush_folder, is_temporary, temporary_beside, told_apart, writing


def make_folder(path: Path, mode: int = 0o777) -> None:
    """Make a folder and those above it, where they are missing, so that they last as what is written into them does.

    Raises:
        DiskError: one of them cannot be made.
    """
    if path.is_dir():
        return
    if path.parent != path:
        make_folder(path.parent)
    with writing(path):
        if path.exists():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        path.mkdir(mode, exist_ok=True)  # another process may have made it meanwhile
        flush_folder(path.parent)


def sweep(folder: Path) -> None:
    """Remove the temporary files of processes that were killed; for whoever alone writes to the folder.

    Raises:
        DiskError: one cannot be removed.
    """
    with writing(folder):
        for left in folder.iterdir() if folder.is_dir() else ():
            if is_temporary(left):
                left.unlink(missing_ok=True)


def is_taken(folder: Path) -> bool:
    """Whether a new folder cannot have that name: it is there with something in it, or is a file."""
    return folder.exists() and (not folder.is_dir() or any(folder.iterdir()))


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder that is there whole or not at all: fill the one handed out; then it takes the name.

    What earlier tries that were killed have left of it goes first, for it may be as large as the whole.

    Raises:
        DiskError: there is such a folder with something in it, or its parent is missing, read-only or full.
    """
    temporary = temporary_beside(path)
    with writing(path, temporary):
        _remove_left_of(path)
        temporary.mkdir()
        try:
            with _held(temporary):
                yield temporary
                for file in temporary.iterdir():
                    flush(file)
                flush_folder(temporary)
                temporary.replace(path)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        flush_folder(path.parent)


def _remove_left_of(path: Path) -> None:
    """Remove what others have left of a folder, unless somebody is at work in it."""
    for left in path.parent.glob(f".{told_apart(path)}*{MARK}"):
        with suppress(FileNotFoundError), _held(left) as is_ours:
            if is_ours:
                shutil.rmtree(left, ignore_errors=True)


@contextmanager
def _held(folder: Path) -> Iterator[bool]:
    """Whether nobody else is at work in a folder; while inside, nobody else is.  The system lets go of the dead."""
    if sys.platform == "win32":
        yield False
        return
    import fcntl  # noqa: PLC0415 - Windows has none

    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)
