"""Why a store says no, in words that say what to do, whatever holds its data."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gatecast.errors import InputError
from gatecast.server.refusals import ConflictError, FullDiskError, RefusedError

FULL = (errno.ENOSPC, errno.EDQUOT)


class StoreError(RefusedError):
    """A store that cannot be opened, read or written."""


def full_disk(place: object) -> FullDiskError:
    """What is said when something did not fit."""
    return FullDiskError(
        f"the disk that holds {place} is full; nothing of this was kept, and what was kept before is safe: "
        "make room, and send it again"
    )


def repeated_key() -> ConflictError:
    """What is said of an Idempotency-Key that has a receipt."""
    return ConflictError(
        "an Idempotency-Key came with an earlier request, or twice: ask for its receipt before it is appended"
    )


def unfit_row(found: str) -> InputError:
    """What is said of a row that cannot be kept."""
    return InputError(
        f"a row cannot be kept ({found}): expected text as the name, which PostgreSQL takes without zero bytes, "
        "a time of 64 bits, and numbers"
    )


@contextmanager
def file_troubles(path: Path) -> Iterator[None]:
    """Turn the system's errors about a file into ours.

    Raises:
        FullDiskError: the disk is full, or the quota is spent.
        StoreError: anything else.
    """
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise full_disk(path) from error
        why = error.strerror or error
        raise StoreError(f"{path} cannot be read or written ({why}): see to its folder's rights and disk") from error
