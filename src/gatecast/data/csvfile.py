"""Text files: bytes to a Table of text, with the line of every row.

Everything is read as text first, a stretch at a time, so that a later complaint can name the line and the column and
so that neither a compressed bomb nor an endless line can fill the memory.  What is not plain (`csvplain`) is read here,
cell by cell.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import Literal, NoReturn

import numpy as np
import polars as pl

from gatecast.data import table as caps
from gatecast.data.columns import Layout
from gatecast.data.csvhead import SAMPLE_LINES, find_separator, read_head
from gatecast.data.csvplain import read_plain
from gatecast.data.encodings import encoding_of
from gatecast.data.formulas import without_marks
from gatecast.data.kinds import START, refuse_no_table, refuse_no_text
from gatecast.data.table import Table, check_size, counted
from gatecast.data.unpacking import opened
from gatecast.errors import TableError

_MAX_LINE = 10_000_000  # characters: 10,000 columns of 1,000 characters
_MAX_BLANK = 100_000  # lines without a cell, between two that have some
_CELLS_AT_ONCE, _ROWS_AT_ONCE = 20_000, 200  # small enough for the processor's cache, large enough for wide tables
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_BINARY = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def read_csv(path: Path, layout: Layout = "long") -> Table:
    """Read a text table: comma, semicolon, tab or bar between cells; UTF-8, UTF-16, GB18030 or Windows-1252; or gzip.

    Raises:
        TableError: the file is empty, damaged, binary or too large, mixes encodings, or a line has more or fewer cells
            than the first.
    """
    with opened(path) as source:
        start = source.read(START)
    refuse_no_table(path, start)
    encoding = next((name for mark, name in _MARKS if start.startswith(mark)), "utf-8")
    try:
        return _read(path, encoding, layout)
    except UnicodeDecodeError:
        if encoding != "utf-8":
            raise
        told = encoding_of(path)
        found = _read(path, told.name, layout)
        return replace(found, guesses=(told.guess, *found.guesses))


def _read(path: Path, encoding: str, layout: Layout) -> Table:
    if encoding != "utf-16":
        with opened(path) as file:
            if encoding == "utf-8-sig":
                file.read(len(codecs.BOM_UTF8))
            plain = read_plain(file, encoding.removesuffix("-sig"), layout)
        if plain is not None:
            return plain
    with opened(path) as file, io.TextIOWrapper(file, encoding=encoding, newline="") as text:
        return _parse(path, _lines(path, text), layout)


def _lines(path: Path, text: io.TextIOWrapper) -> Iterator[str]:
    """The lines of a file, as long as they look like text."""
    number = 0
    while line := text.readline(_MAX_LINE):
        number += 1
        if len(line) == _MAX_LINE:
            raise TableError(f"{path.name}, line {number} has more than {_MAX_LINE:,} characters: this is no table.")
        if _BINARY.search(line):
            refuse_no_text(path, number)
        yield line


def _parse(path: Path, lines: Iterator[str], layout: Layout) -> Table:
    sample = list(islice(lines, SAMPLE_LINES))
    separator = find_separator(sample)
    reader = csv.reader(chain(sample, lines), delimiter=separator, skipinitialspace=True, strict=True)
    rows = _rows(path, reader)
    first = next(rows, None)
    if first is None:
        raise TableError(f"{path.name} is empty. Give a table with one row for each time step, and a header.")
    line, cells = first
    head = read_head(cells, line, layout)
    frame, places = _collect(path, rows if head.named else chain([first], rows), head.names)
    if frame.is_empty():
        raise TableError(
            f"{path.name} has a header and no rows. Give a table with one row for each time step, "
            f"each on a line of its own."
        )
    return Table(frame, places, head.guesses, "thousands" if separator == "," else "decimal")


def _rows(path: Path, reader: "csv._reader") -> Iterator[tuple[int, list[str]]]:  # type: ignore[name-defined]
    """Each row that is not blank, with the line it starts on."""
    line, blank = 0, 0
    try:
        for row in reader:
            if row and (len(row) > 1 or row[0].strip()):
                blank = 0
                yield line + 1, row
            else:
                blank += 1
                if blank > _MAX_BLANK:
                    _refuse_blank(path, line)
            line = reader.line_num
    except csv.Error as error:
        raise TableError(
            f"{path.name}, line {line + 1}: {_told(error)}. Check the quotes there: a quoted cell ends with a quote "
            f'followed by a separator, holds a quote as "", and has at most {caps.MAX_CELL:,} characters.'
        ) from error


def _refuse_blank(path: Path, line: int) -> NoReturn:
    raise TableError(
        f"{path.name} has more than {_MAX_BLANK:,} blank lines in a row, up to line {line + 1}. "
        f"Delete them, or check whether this is a table."
    )


def _told(error: csv.Error) -> str:
    """What Python's csv says, in words for people who have never seen it."""
    said = str(error)
    if "end of data" in said:
        return "a quote is opened there and never closed"
    if "field limit" in said:
        return "a cell there never ends"
    return "a quoted cell goes on after its closing quote" if "expected after" in said else said


def _collect(path: Path, rows: Iterator[tuple[int, list[str]]], names: list[str]) -> tuple[pl.DataFrame, np.ndarray]:
    """The rows as text columns, built a stretch at a time."""
    schema = dict.fromkeys(names, pl.String)
    frames, lines = [pl.DataFrame(schema=schema)], list[int]()
    while part := list(islice(rows, max(_ROWS_AT_ONCE, _CELLS_AT_ONCE // len(names)))):
        for line, cells in part:
            if len(cells) != len(names):
                _refuse_ragged(path, line, cells, names)
        columns = zip(*(cells for _, cells in part), strict=True)
        frame = pl.DataFrame(dict(zip(names, columns, strict=True)), schema=schema)
        frames.append(frame.with_columns(pl.all().map_batches(without_marks)))
        lines.extend(line for line, _ in part)
        check_size(len(names), len(lines) * len(names))
        _check_cells(path, frames[-1], lines[-len(part) :])
    return pl.concat(frames), np.asarray(lines, dtype=np.int64)


def _refuse_ragged(path: Path, line: int, cells: list[str], names: list[str]) -> None:
    kind: Literal["more", "fewer"] = "more" if len(cells) > len(names) else "fewer"
    raise TableError(
        f"{path.name}, line {line} has {counted(len(cells), 'cell')}, {kind} than the {len(names)} of the first line. "
        f"Put quotes around cells that hold the separator, leave cells without a value empty, and delete lines that "
        f"are no rows of the table, such as titles, comments and totals."
    )


def _check_cells(path: Path, frame: pl.DataFrame, lines: list[int]) -> None:
    for column in frame:
        lengths = column.str.len_chars()
        row = lengths.arg_max()
        if row is not None and lengths[row] > caps.MAX_CELL:
            raise TableError(
                f'{path.name}, column "{column.name}", line {lines[row]}: the cell has {lengths[row]:,} characters, '
                f"more than the {caps.MAX_CELL:,} a cell may have. Check that every quote is closed."
            )
