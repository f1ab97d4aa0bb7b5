"""Writing a Parquet file that is larger than memory, whole or not at all."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
from polars.io.plugins import register_io_source

from gatecast.files import replaced

ROW_GROUP = 250_000  # rows
_NUMBER = re.compile(r"\(os error (\d+)\)")


def write_parquet(path: Path, frames: Iterator[pl.DataFrame], schema: dict[str, Any]) -> None:
    """Write frames one below the other as they come; readers see the finished file or none.

    Args:
        path: of the file.
        frames: each with the columns of the schema.
        schema: names and types of the columns.

    Raises:
        OSError: the folder is missing, read-only or full.
        Exception: as the frames raise it; nothing is left over then.
    """

    def source(*_: object) -> Iterator[pl.DataFrame]:
        yield from frames

    with replaced(path) as temporary, _system_errors(path):
        rows = register_io_source(source, schema=schema)
        rows.sink_parquet(temporary, row_group_size=ROW_GROUP, maintain_order=True, engine="streaming")


@contextmanager
def _system_errors(path: Path) -> Iterator[None]:
    """Polars tells the number of a system's error in its text alone."""
    try:
        yield
    except (OSError, pl.exceptions.PolarsError) as error:
        found = _NUMBER.search(str(error))
        if found is None:
            raise
        number = int(found[1])
        raise OSError(number, os.strerror(number), str(path)) from error
