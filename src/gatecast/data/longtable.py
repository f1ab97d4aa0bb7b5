"""A table of any size, read a stretch of rows at a time with its cells as they are.

Plain text is cut into stretches by the same code that reads smaller tables (`csvplain`); text that is not plain is read
whole, with care, as far as that goes.  Parquet and Arrow files are read by polars' streaming reader.
"""

import codecs
import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from gatecast.data.csvfile import read_csv
from gatecast.data.csvplain import plain_stretches
from gatecast.errors import TableError

ROWS = 250_000  # of a stretch of a Parquet or Arrow file
_PACKED = b"\x1f\x8b"


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
    if not path.is_file():
        raise TableError(f"there is no file {path} (looked for it in {Path.cwd()}). Check the name and the folder.")
    try:
        with path.open("rb") as file:
            start = file.read(6)
        if start[:4] == b"PAR1":
            return _columnar(path, lambda: pl.scan_parquet(path, glob=False))
        if start == b"ARROW1":
            return _columnar(path, lambda: pl.scan_ipc(path))
        return _plain(path, start) or _careful(path)
    except (OSError, EOFError, zlib.error, pl.exceptions.PolarsError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise TableError(f"{path} cannot be read: {first}. Check or write the file again.") from error


def _columnar(path: Path, scan: Callable[[], pl.LazyFrame]) -> LongTable:
    """A Parquet or Arrow file; categories become text, for each stretch would have its own."""
    words = pl.col(pl.Categorical, pl.Enum).cast(pl.String)

    def stretches() -> Iterator[pl.DataFrame]:
        yield from scan().with_columns(words).collect_batches(chunk_size=ROWS, maintain_order=True)

    columns = dict(scan().with_columns(words).collect_schema())
    return LongTable(path, columns, int(scan().select(pl.len()).collect().item()), stretches)


def _plain(path: Path, start: bytes) -> LongTable | None:
    """A text file that is plain from its first line to its last, in UTF-8 or else in Latin-1."""
    packed = start.startswith(_PACKED)
    for encoding in ("utf-8", "latin-1"):

        def stretches(encoding: str = encoding) -> Iterator[pl.DataFrame]:
            with _text(path, packed=packed) as file:
                plain = plain_stretches(file, encoding, "long")
                for frame in plain.frames if plain is not None else (None,):
                    if frame is None:
                        raise _NotPlainError
                    yield frame

        try:
            heights = [(frame.height, frame.columns) for frame in stretches()]
        except UnicodeDecodeError:
            continue
        except _NotPlainError:
            return None
        columns = dict.fromkeys(heights[0][1] if heights else (), pl.String)
        return LongTable(path, columns, sum(rows for rows, _ in heights), stretches) if heights else None
    return None


class _NotPlainError(Exception):
    """The text has to be read with care."""


@contextmanager
def _text(path: Path, *, packed: bool) -> Iterator[io.BufferedIOBase]:
    with gzip.open(path) if packed else path.open("rb") as source:
        file = io.BufferedReader(source, 1 << 20)
        if file.peek(len(codecs.BOM_UTF8)).startswith(codecs.BOM_UTF8):
            file.read(len(codecs.BOM_UTF8))
        yield file


def _careful(path: Path) -> LongTable:
    frame = read_csv(path).frame
    return LongTable(path, dict(frame.schema), frame.height, lambda: iter((frame,)))
