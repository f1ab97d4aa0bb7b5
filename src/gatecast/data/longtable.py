"""A table of any size, read a stretch of rows at a time with its cells as they are.

Plain text is cut into stretches by the same code that reads smaller tables (`csvplain`); text that is not plain is read
whole, with care, as far as that goes.  Parquet and Arrow files are read by polars' streaming reader.
"""

import codecs
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from gatecast.data.columnar import rows_of, scan_columnar
from gatecast.data.csvfile import read_csv
from gatecast.data.csvplain import plain_stretches
from gatecast.data.encodings import encoding_of
from gatecast.data.kinds import START, refuse_no_table
from gatecast.data.trouble import Look, look, trouble_told
from gatecast.data.unpacking import opened

ROWS = 250_000  # of a stretch of a Parquet or Arrow file


@dataclass(frozen=True, eq=False)
class LongTable:
    """A table that need not fit into memory.

    Attributes:
        path: the file.
        columns: their names and types; those of a text file are text.
        rows: how many there are.
        stretches: reads them from the first to the last, each time it is called.
    """

    path: Path
    columns: dict[str, Any]
    rows: int
    stretches: Callable[[], Iterator[pl.DataFrame]]


def long_table(path: Path) -> LongTable:
    """Look through a file, so that what cannot be read is known before anything is done with it.

    Raises:
        TableError: there is no such file, or it cannot be read.
    """
    with trouble_told(path):
        with path.open("rb") as file:
            start = file.read(START)
        since = look(path)
        return _told_again(_columnar(path, start) or _text(path), since)


def _told_again(table: LongTable, since: Look) -> LongTable:
    """The same table; trouble that comes only while its stretches are read is told too."""

    def stretches() -> Iterator[pl.DataFrame]:
        with trouble_told(table.path, since):
            yield from table.stretches()

    return replace(table, stretches=stretches)


def _columnar(path: Path, start: bytes) -> LongTable | None:
    """A Parquet or Arrow file; categories become text, for each stretch would have its own."""
    if scan_columnar(path, start) is None:
        return None
    words = pl.col(pl.Categorical, pl.Enum).cast(pl.String)

    def scan() -> pl.LazyFrame:
        found = scan_columnar(path, start)
        return pl.LazyFrame() if found is None else found.with_columns(words)

    def stretches() -> Iterator[pl.DataFrame]:
        yield from scan().collect_batches(chunk_size=ROWS, maintain_order=True)

    return LongTable(path, dict(scan().collect_schema()), rows_of(path, scan()), stretches)


def _text(path: Path) -> LongTable:
    """A text file: plain from its first line to its last in one encoding, or else read with care."""
    with opened(path, capped=False) as file:
        start = file.read(START)
    refuse_no_table(path, start)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _careful(path)
    try:
        return _plain(path, "utf-8") or _careful(path)
    except UnicodeDecodeError:
        if start.startswith(codecs.BOM_UTF8):
            raise
        return _plain(path, encoding_of(path).name) or _careful(path)


def _plain(path: Path, encoding: str) -> LongTable | None:
    """A text file that is plain throughout; None for others."""

    def stretches() -> Iterator[pl.DataFrame]:
        with opened(path, capped=False) as file:
            if file.peek(len(codecs.BOM_UTF8)).startswith(codecs.BOM_UTF8):
                file.read(len(codecs.BOM_UTF8))
            plain = plain_stretches(file, encoding, "long")
            for frame in plain.frames if plain is not None else (None,):
                if frame is None:
                    raise _NotPlainError("its lines are not what they were")
                yield frame

    try:
        heights = [(frame.height, frame.columns) for frame in stretches()]
    except _NotPlainError:
        return None
    if not heights:
        return None
    return LongTable(path, dict.fromkeys(heights[0][1], pl.String), sum(rows for rows, _ in heights), stretches)


class _NotPlainError(EOFError):
    """The text has to be read with care; or, where it was plain before, somebody has written to it."""


def _careful(path: Path) -> LongTable:
    frame = read_csv(path).frame
    return LongTable(path, dict(frame.schema), frame.height, lambda: iter((frame,)))
