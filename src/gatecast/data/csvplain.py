"""Plain text tables, read fast: most of them, and every large one that a program wrote.

A stretch of lines is plain when every line has as many separators as the first, and quotes only stand around whole
cells.  Then cutting at newlines and separators is all there is to reading it, and polars does that with every core.
Whatever else a file may hold is left to the careful reading of `csvfile`, which also knows the line of each mistake.
"""

import codecs
import csv
import io
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import polars as pl

from gatecast.data import table as caps
from gatecast.data.columns import Layout
from gatecast.data.csvhead import SAMPLE_LINES, Head, find_separator, read_head
from gatecast.data.formulas import MARK, without_marks
from gatecast.data.table import Table, check_size

STRETCH = 1 << 23  # bytes read at once
NO_TEXT = bytes([*range(9), *range(14, 27), *range(28, 32)])  # characters that no text has


class Plain(NamedTuple):
    """A text table that starts plain.

    Attributes:
        separator: what stands between cells.
        head: its first line.
        frames: its cells as text, a stretch at a time; None, and nothing after it, where it is not plain after all.
    """

    separator: str
    head: Head
    frames: Iterator[pl.DataFrame | None]


def read_plain(file: io.BufferedIOBase, encoding: str, layout: Layout) -> Table | None:
    """The table of a text file, or None if it is not plain; equal to what the careful reading makes of it.

    Raises:
        TableError: the table is too large.
        UnicodeDecodeError: the bytes are not in this encoding.
    """
    plain = plain_stretches(file, encoding, layout)
    if plain is None:
        return None
    frames, rows = list[pl.DataFrame](), 0
    for frame in plain.frames:
        if frame is None:
            return None
        frames.append(frame)
        rows += frame.height
        check_size(frame.width, rows * frame.width)
    if not rows:
        return None
    lines = np.arange(rows, dtype=np.int64) + (2 if plain.head.named else 1)
    return Table(pl.concat(frames), lines, plain.head.guesses, "thousands" if plain.separator == "," else "decimal")


def plain_stretches(file: io.BufferedIOBase, encoding: str, layout: Layout) -> Plain | None:
    """The table of a text file of any size, or None if its start is not plain.

    Raises:
        UnicodeDecodeError: the bytes are not in this encoding; from the frames too.
    """
    stretches = _stretches(file, encoding)
    first = next(stretches, None)
    start = _start(first, layout) if first else None
    if first is None or start is None:
        return None
    separator, head = start
    return Plain(separator, head, _frames(_without_header(first, stretches, head), separator, head.names))


def _frames(stretches: Iterator[bytes | None], separator: str, names: list[str]) -> Iterator[pl.DataFrame | None]:
    for stretch in stretches:
        frame = _cells(stretch, separator, names) if stretch is not None else None
        yield frame
        if frame is None:
            return


def _stretches(file: io.BufferedIOBase, encoding: str) -> Iterator[bytes | None]:
    """Whole lines in UTF-8 with newlines between them, about `STRETCH` bytes at once; None where they are no text."""
    rest = b""
    while data := file.read(STRETCH - len(rest)):
        data = rest + data
        lines = data[: data.rstrip(b"\r\n").rfind(b"\n") + 1]  # all but the last, for blank lines may end a file
        rest = data[len(lines) :]
        if len(rest) == STRETCH:
            yield None
            return
        if lines:
            yield _as_utf8(lines, encoding)
    if last := rest.rstrip(b"\r\n"):
        yield _as_utf8(last + b"\n", encoding)


def _as_utf8(lines: bytes, encoding: str) -> bytes | None:
    if not lines.isascii():
        lines = lines.decode(encoding).encode()
    lines = lines.replace(b"\r\n", b"\n") if b"\r" in lines else lines
    return None if b"\r" in lines or len(lines.translate(None, NO_TEXT)) < len(lines) else lines


def _start(lines: bytes, layout: Layout) -> tuple[str, Head] | None:
    """The separator and the header, unless there is one column or a cell that reaches over the first line."""
    sample = [f"{line.decode()}\n" for line in lines.split(b"\n", SAMPLE_LINES)[:-1]]
    separator = find_separator(sample)
    try:
        cells = next(csv.reader(sample[:1], delimiter=separator, skipinitialspace=True, strict=True), [])
    except csv.Error:
        return None
    return (separator, read_head(cells, 1, layout)) if len(cells) > 1 else None


def _without_header(first: bytes, others: Iterator[bytes | None], head: Head) -> Iterator[bytes | None]:
    body = first.partition(b"\n")[2] if head.named else first
    if body:
        yield body
    yield from others


def _cells(lines: bytes, separator: str, names: list[str]) -> pl.DataFrame | None:
    """The cells of a stretch as text; None if a line has more or fewer than there are names, or quotes matter."""
    mark = separator.encode()
    if lines.startswith(codecs.BOM_UTF8):  # within a file it is text, which polars would leave out
        return None
    try:
        frame = pl.read_csv(
            lines,
            has_header=False,
            separator=separator,
            quote_char=None,
            infer_schema=False,
            empty_string_is_null=False,
            truncate_ragged_lines=False,
        )
    except pl.exceptions.PolarsError:  # a line has more cells than the first
        return None
    # No line has more separators than the first, so together they have enough only if none has fewer.
    enough = lines.count(mark) == frame.height * (frame.width - 1)
    if frame.width != len(names) or not enough or lines.count(b"\n") != frame.height:
        return None
    frame.columns = names
    if mark + b" " in lines or b"\n " in lines or lines.startswith(b" "):
        frame = frame.with_columns(pl.all().str.strip_chars_start(" "))
    plain = _without_quotes(frame) if b'"' in lines else frame
    if plain is None or max(plain.select(pl.all().str.len_bytes().max()).row(0)) > caps.MAX_CELL:
        return None
    return plain.with_columns(pl.all().map_batches(without_marks)) if MARK.encode() in lines else plain


def _without_quotes(frame: pl.DataFrame) -> pl.DataFrame | None:
    """Cells without the quotes around them; None if a quote stands anywhere else."""
    quotes = pl.all().str.count_matches('"', literal=True)
    around = pl.all().str.starts_with('"') & pl.all().str.ends_with('"')
    plain = frame.select(pl.all_horizontal(((quotes == 0) | ((quotes == 2) & around)).all())).item()
    return frame.with_columns(pl.all().str.strip_chars('"')) if plain else None
