"""A table in partitions: a folder of files, each of which holds whole series, so that each is work of its own.

The partitions are the tables that lie directly in the folder, in the order of their names.  Names that begin with a dot
or an underscore are skipped, as other programs' marks are; anything else that is no table is refused, for what would be
left out in silence might have been meant.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from jaxtyping import UInt64

from gatecast.errors import TableError

ENDINGS = (".parquet", ".arrow", ".feather", ".csv", ".csv.gz", ".tsv", ".tsv.gz")


def partitions_of(data: Path) -> tuple[Path, ...]:
    """The partitions of a folder in the order of their names; a file is its own only partition.

    Raises:
        TableError: there is no such folder, it holds no partition, or something that is none.
    """
    if data.is_file():
        return (data,)
    if not data.is_dir():
        raise TableError(f"there is no file or folder {data} (looked for it in {Path.cwd()}). Check the name.")
    found = sorted(
        (path for path in data.iterdir() if not path.name.startswith((".", "_"))), key=lambda path: path.name
    )
    for path in found:
        if not path.is_file() or not path.name.lower().endswith(ENDINGS):
            raise TableError(
                f'"{path.name}" in {data} is no partition: these are files that end in {", ".join(ENDINGS)}, directly '
                f"in the folder. Move it elsewhere, or let its name begin with _ to have it skipped."
            )
    if not found:
        raise TableError(
            f"{data} holds no partitions: files that end in {', '.join(ENDINGS)}. "
            f"`gatecast partition TABLE {data}` writes them."
        )
    return tuple(found)


def is_folder(path: Path) -> bool:
    """Whether a name leads to a folder; what the system refuses to look at leads to none, and reading it tells why."""
    try:
        return path.is_dir()
    except OSError:
        return False


def name_hashes(names: Iterable[str]) -> UInt64[np.ndarray, " names"]:
    """A number for each name of a series, the same on every machine: the first 8 bytes of its BLAKE2b in UTF-8."""
    digests = b"".join(hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest() for name in names)
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)
