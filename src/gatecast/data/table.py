"""Table: what a source held before anything was understood, and where each row stood in it."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import polars as pl
from jaxtyping import Int64

from gatecast.data.columns import Guess
from gatecast.errors import TableError

MAX_BYTES = 1 << 30
MAX_COLUMNS = 10_000
MAX_CELL = 10_000
MAX_NAME = 1_000
MAX_CELLS = 200_000_000


@dataclass(frozen=True, eq=False)
class Table:
    """A raw table; the columns of a text file are still text.

    Attributes:
        frame: the cells.
        lines: the line of the file on which each row starts (the first line is 1); None when the source is no text.
        guesses: what was decided while reading.
        comma: what a comma means in a number such as 1,234 that could be read both ways.
        series: the name of the series of each row, where rows are to be told with it.
        strange: the columns that were left out because nothing can be read of their type, and these types.
    """

    frame: pl.DataFrame
    lines: Int64[np.ndarray, " rows"] | None = None
    guesses: tuple[Guess, ...] = field(default=())
    comma: Literal["decimal", "thousands"] = "thousands"
    series: pl.Series | None = None
    strange: Mapping[str, str] = field(default_factory=dict)

    def where(self, row: int) -> str:
        """A row as people find it: `line 18` of a file, or `row 16 (counted from 0)` of a frame."""
        place = f"row {row} (counted from 0)" if self.lines is None else f"line {self.lines[row]}"
        return place if self.series is None else f'{place} of series "{self.series[row]}"'

    def at(self, column: str, row: int) -> str:
        """A cell as people find it: `column "y", line 18`."""
        return f'column "{column}", {self.where(row)}'


def check_size(width: int, cells: int) -> None:
    """Refuse a table too large to be a table of time series."""
    if width > MAX_COLUMNS:
        raise TableError(
            f"the table has {width:,} columns, and gatecast reads at most {MAX_COLUMNS:,}. "
            f"Check the separator, or keep only the columns that are needed."
        )
    if cells > MAX_CELLS:
        raise TableError(
            f"the table has more than {MAX_CELLS:,} cells, the most gatecast reads at once. "
            f"Keep only the columns and rows that are needed."
        )


def unique_names(names: Sequence[str]) -> tuple[list[str], tuple[Guess, ...]]:
    """Names that can be seen, without repeats: `c3` where the third column has none, `x_2` for a second `x`.

    Raises:
        TableError: a name is as long as a page.
    """
    found: set[str] = set()
    seen = [_seen(name) for name in names]
    given = set(seen)
    result, renamed = [], []
    for place, name in enumerate(seen, start=1):
        if len(name) > MAX_NAME:
            raise TableError(
                f"the name of column {place} has {len(name):,} characters, more than the {MAX_NAME:,} a name may have: "
                f"{shown(name)}. Check the first line and its quotes, or give the column a short name."
            )
        base = name or f"c{place}"
        number, fresh = 1, base
        while fresh in found or (number > 1 and fresh in given):
            number += 1
            fresh = f"{base}_{number}"
        found.add(fresh)
        result.append(fresh)
        if fresh != names[place - 1].strip():
            renamed.append(fresh)
    why = "the name was empty, taken by an earlier column, or held what cannot be seen"
    return result, ((Guess("renamed columns", name_list(renamed), why),) if renamed else ())


_JOINERS = "\u200c\u200d"  # invisible, but Persian and families of emoji are spelt with them


def _seen(name: str) -> str:
    """A name without what cannot be seen (marks of bytes and of direction, commands to a terminal), in one line."""
    name = name.strip()
    if name.isprintable():
        return name
    spaced = (" " if char.isspace() else char for char in name)
    kept = [char for char in spaced if char.isprintable() or char in _JOINERS]
    return " ".join("".join(kept).split())


def shown(cell: object, most: int = 80) -> str:
    """A cell for people: in quotes, cut where it is long, and whatever cannot be seen as an escape."""
    text = str(cell).strip()
    text = text if len(text) <= most else f"{text[:most]}..."
    return '"' + "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text) + '"'


def counted(number: int, thing: str) -> str:
    """`1 cell`, `2 cells`."""
    return f"{number:,} {thing}{'s' * (number != 1)}"


def name_list(names: Iterable[str], most: int = 8) -> str:
    """Names for people; beyond `most` the middle is left out and the number given."""
    every = list(names)
    if len(every) <= most:
        return ", ".join(every)
    return f"{', '.join(every[: most - 2])}, ..., {every[-1]} ({len(every)} columns)"


def suggest(name: str, names: Sequence[str]) -> str:
    """`Did you mean "temp"? The columns are ...` for a name that is not there."""
    lower = {other.lower(): other for other in reversed(names)}
    near = [lower[match] for match in difflib.get_close_matches(name.lower(), lower, n=3, cutoff=0.6)]
    hint = f"Did you mean {' or '.join(repr_name(match) for match in near)}? " if near else ""
    return f"{hint}The columns are: {name_list(names, most=20)}."


def repr_name(name: str) -> str:
    """A name in double quotes."""
    return f'"{name}"'
