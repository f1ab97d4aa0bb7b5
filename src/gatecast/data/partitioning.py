"""Cutting a table of any size into partitions, in little memory.

Which partition a series goes to follows from its name alone, so that the same names meet in the same partition on every
machine, whatever the order of rows.  Rows wait in memory until there are many, then each partition's share is appended
to a spool file; at the end each spool becomes a Parquet file.  Cells stay as they are.
"""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Int64
from msgspec import Struct

from gatecast.data.bigparquet import write_parquet
from gatecast.data.categories import words_of
from gatecast.data.longtable import LongTable, long_table
from gatecast.data.partitions import name_hashes
from gatecast.data.table import name_list, suggest
from gatecast.data.values import distinct
from gatecast.errors import ColumnError, OptionError, TableError
from gatecast.folders import is_taken, make_folder, new_folder

MOST_PARTS = 100_000
WAITING = 2_000_000  # rows
_LENGTH = 8  # bytes that say how long a chunk of a spool is


class PartitionOptions(Struct, frozen=True, forbid_unknown_fields=True):
    """How a table is cut.

    Attributes:
        parts: how many partitions; None for as many as `rows` asks for.
        rows: about how many rows a partition holds.
        id: the column that tells series apart.
    """

    parts: int | None = None
    rows: int = 1_000_000
    id: str = "unique_id"

    def __post_init__(self) -> None:
        if self.rows < 1:
            raise OptionError(f"rows counts those of a partition from 1 up, got {self.rows}.")
        if self.parts is not None and not 1 <= self.parts <= MOST_PARTS:
            raise OptionError(f"parts counts partitions from 1 to {MOST_PARTS:,}, got {self.parts}.")


class Partitioned(NamedTuple):
    """What was written: partitions, and rows in all of them."""

    partitions: int
    rows: int


AS_USUAL = PartitionOptions()


def partition_table(sources: Sequence[Path], out: Path, options: PartitionOptions = AS_USUAL) -> Partitioned:
    """Write the rows of one or several files as `out/part-00000.parquet`, ..., whole series in each.

    Rows of one series keep their order; every partition has all columns; one that no series falls to is left out.

    Args:
        sources: CSV, TSV, Parquet or Arrow files with the same columns; text may be gzip.
        out: a folder that is not there yet, or empty; it is there whole or not at all.
        options: how the table is cut.

    Raises:
        OptionError: `out` holds something.
        TableError: a file cannot be read, has other columns than the first, or no rows; or a series has no name.
        ColumnError: there is no column of this name.
    """
    if is_taken(out):
        raise OptionError(f"{out} is taken: give the name of a new folder, or empty this one.")
    tables = [long_table(path) for path in sources]
    _check(tables, options.id)
    rows = sum(table.rows for table in tables)
    parts = min(MOST_PARTS, options.parts or -(-rows // options.rows))
    make_folder(out.parent)
    with new_folder(out) as folder:
        spool = _Spool(folder, tables[0].columns)
        for table in tables:
            before = 0
            for frame in table.stretches():
                spool.add(frame, _parts_of(table, frame[options.id], before, parts))
                before += frame.height
        return Partitioned(spool.finish(), rows)


def _check(tables: Sequence[LongTable], name: str) -> None:
    """Refuse tables that cannot be cut, or cannot be put together."""
    if not tables:
        raise OptionError("no table was named: give one or several files.")
    first = tables[0]
    if name not in first.columns:
        raise ColumnError(
            f'{first.path.name} has no column "{name}" to tell series apart: name it with --id. '
            f"{suggest(name, list(first.columns))}"
        )
    for table in tables:
        if not table.rows:
            raise TableError(f"{table.path.name} has no rows. Leave it out.")
        if {*table.columns.items()} != {*first.columns.items()}:
            odd = [column for column, _ in {*table.columns.items()} ^ {*first.columns.items()}]
            raise TableError(
                f"{table.path.name} and {first.path.name} differ in {name_list(sorted(set(odd)))}: every file needs "
                f"the same columns with the same types. Write them alike."
            )


def _parts_of(table: LongTable, names: pl.Series, before: int, parts: int) -> Int64[np.ndarray, " rows"]:
    """The partition of each row."""
    words = words_of(names)
    if words.null_count():
        row = before + int(words.is_null().arg_max() or 0)
        raise ColumnError(
            f'{table.path.name}, column "{names.name}", row {row} (counted from 0): the series has no name. '
            f"Every row needs one; add it or delete the row."
        )
    first, codes = distinct(words)
    return (name_hashes(words.gather(first).to_list()) % np.uint64(parts)).astype(np.int64)[codes]


class _Spool:
    """Rows on their way into partitions."""

    def __init__(self, folder: Path, columns: dict[str, Any]) -> None:
        self._folder, self._columns = folder, columns
        self._waiting, self._rows = dict[int, list[pl.DataFrame]](), 0
        self._spooled = set[int]()

    def add(self, frame: pl.DataFrame, parts: Int64[np.ndarray, " rows"]) -> None:
        """Take the rows of a stretch."""
        frame = frame.select(*self._columns)
        order = np.argsort(parts, kind="stable")
        found, starts = np.unique(parts[order], return_index=True)
        sorted_rows = frame[order]
        for part, rows in zip(found.tolist(), np.split(np.arange(len(order)), starts[1:]), strict=True):
            self._waiting.setdefault(part, []).append(sorted_rows[int(rows[0]) : int(rows[-1]) + 1])
        self._rows += frame.height
        if self._rows >= WAITING:
            self._put_down()

    def finish(self) -> int:
        """Write every partition; returns how many there are."""
        if self._spooled:
            self._put_down()
        numbers = sorted(self._spooled | self._waiting.keys())
        for number in numbers:
            frames = self._chunks(number) if number in self._spooled else iter(self._waiting.pop(number))
            write_parquet(self._folder / f"part-{number:05d}.parquet", frames, self._columns)
            self._file(number).unlink(missing_ok=True)
        return len(numbers)

    def _put_down(self) -> None:
        for part, frames in self._waiting.items():
            chunk = io.BytesIO()
            pl.concat(frames).write_ipc_stream(chunk)
            with self._file(part).open("ab") as file:
                file.write(len(chunk.getbuffer()).to_bytes(_LENGTH, "little"))
                file.write(chunk.getbuffer())
        self._spooled.update(self._waiting)
        self._waiting, self._rows = {}, 0

    def _chunks(self, part: int) -> Iterator[pl.DataFrame]:
        with self._file(part).open("rb") as file:
            while length := file.read(_LENGTH):
                yield pl.read_ipc_stream(io.BytesIO(file.read(int.from_bytes(length, "little"))))

    def _file(self, part: int) -> Path:
        return self._folder / f"{part}.spool"
