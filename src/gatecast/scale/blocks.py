"""A partition as panels of whole series, small enough for memory whatever the partition holds."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from gatecast.data.panel import Panel, series_between
from gatecast.data.partitioning import PartitionOptions, partition_table
from gatecast.data.partitions import partitions_of
from gatecast.data.reading import load_partition
from gatecast.errors import InputError
from gatecast.workflow.model import Model

BLOCK = 200_000  # rows that are forecast at once
MOST_ROWS = 2_000_000  # of a Parquet or Arrow file that is read whole
MOST_TEXT, MOST_PACKED = 2**27, 2**25  # bytes of a text file that is read whole, as it is or packed
PIECE = 1_000_000  # rows of what a larger partition is cut into


def blocks_of(model: Model, source: Path) -> Iterator[Panel]:
    """The panels of a partition; every series lies whole in one of them.

    Raises:
        InputError: the partition does not fit the model.
    """
    name, rows = model.forecaster.fitted_.columns.id, _stored_rows(source)
    if rows == 0:
        return
    if name is None or not _is_large(source, rows):
        yield from _blocks(_panel(model, source))
        return
    with tempfile.TemporaryDirectory(prefix="gatecast-") as folder:
        cut = Path(folder) / "cut"
        partition_table([source], cut, PartitionOptions(rows=PIECE, id=name))
        for piece in partitions_of(cut):
            try:
                yield from _blocks(_panel(model, piece))
            except InputError as error:
                raise type(error)(f"{error} (It was cut to fit into memory, and rows are counted in a cut.)") from error


def _is_large(source: Path, rows: int | None) -> bool:
    if rows is not None:
        return rows > MOST_ROWS
    return source.stat().st_size > (MOST_PACKED if source.suffix.lower() == ".gz" else MOST_TEXT)


def _stored_rows(source: Path) -> int | None:
    """How many rows a Parquet or Arrow file says it has; None for text, and for what cannot be read."""
    with source.open("rb") as file:
        start = file.read(6)
    try:
        if start[:4] == b"PAR1":
            return int(pl.scan_parquet(source, glob=False).select(pl.len()).collect().item())
        if start == b"ARROW1":
            return int(pl.scan_ipc(source).select(pl.len()).collect().item())
    except (OSError, pl.exceptions.PolarsError):  # told by whoever reads it
        return None
    return None


def _panel(model: Model, source: Path) -> Panel:
    fitted = model.forecaster.fitted_
    return load_partition(source, fitted.columns, fitted.frequency, model.options.table)


def _blocks(panel: Panel) -> Iterator[Panel]:
    """Series one after another while they have no more than `BLOCK` rows together, but one at least."""
    first = 0
    while first < len(panel.ids):
        end = int(np.searchsorted(panel.offsets, panel.offsets[first] + BLOCK, side="right")) - 1
        end = max(first + 1, end)
        yield series_between(panel, first, end)
        first = end
