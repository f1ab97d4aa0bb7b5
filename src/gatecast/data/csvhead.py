"""What the first lines of a text table tell: what stands between cells, and whether there is a header."""

import contextlib
import csv
import re

import polars as pl
from msgspec import Struct

from gatecast.data.chinese import plain_dates, plain_numbers
from gatecast.data.columns import Guess, Layout
from gatecast.data.formulas import without_marks
from gatecast.data.table import check_size, unique_names

SAMPLE_LINES = 20
# A cell that a header would not hold: nothing, a number, or a date such as 2024-03-01, 1/3/2024 or 2024-3-1 8:00 AM.
_VALUE = re.compile(
    r"\s*([-+]?[\d.,]+([eE][-+]?\d+)?|\d{1,4}[-/.]\d{1,2}([-/.]\d{1,4})?([T ][\d:.+Z-]*( [AP]M)?)?|\d{4}Q[1-4]|)\s*"
)


class Head(Struct, frozen=True):
    """The columns' names, whether the first line holds them, and what was decided."""

    names: list[str]
    named: bool
    guesses: tuple[Guess, ...]


def read_head(cells: list[str], line: int, layout: Layout) -> Head:
    """The names in the first row of a table, which stands on `line`; or c1, c2, ... when it holds values.

    Raises:
        TableError: the row has too many cells.
    """
    check_size(len(cells), 0)
    if _is_header(cells, layout):
        names, guesses = unique_names(without_marks(pl.Series(cells, dtype=pl.String)).to_list())
        return Head(names, named=True, guesses=guesses)
    names = [f"c{place}" for place in range(1, len(cells) + 1)]
    why = f"line {line} holds values, not names; the columns are called c1, c2, ..."
    return Head(names, named=False, guesses=(Guess("header", "none", why),))


def find_separator(sample: list[str]) -> str:
    """The separator that cuts every line of the sample into equally many cells, or else the header into the most."""
    widths = {}
    for separator in ("\t", ";", "|", ","):
        found = _widths(sample, separator)
        widths[separator] = set(found), found[0] if found else 1
    for separator, (different, width) in widths.items():
        if len(different) == 1 and width > 1:
            return separator
    widest = max(widths, key=lambda separator: widths[separator][1])
    # One column: then a comma in a cell is a decimal comma.
    return widest if widths[widest][1] > 1 else ";"


def _widths(sample: list[str], separator: str) -> list[int]:
    """How many cells each line of the sample has, up to the first that csv refuses."""
    widths = list[int]()
    with contextlib.suppress(csv.Error):
        widths.extend(len(row) for row in csv.reader(sample, delimiter=separator, skipinitialspace=True) if row)
    return widths


def _is_header(cells: list[str], layout: Layout) -> bool:
    """Whether the first line holds names: it has a cell that is no value.

    With one row a series the first cell is the series' name in any case, and numbers that count up are step numbers.
    """
    cells = plain_dates(plain_numbers(pl.Series(cells, dtype=pl.String))).to_list()
    if layout == "rows" and len(cells) > 2:
        named = not _VALUE.fullmatch(cells[0]) or not cells[0]
        return (named and _counts_up(cells[1:])) or any(not _VALUE.fullmatch(cell) for cell in cells[1:])
    return any(not _VALUE.fullmatch(cell) for cell in cells)


def _counts_up(cells: list[str]) -> bool:
    """Whether cells say 1, 2, 3, ..., from any number on."""
    first = int(cells[0]) if re.fullmatch("[0-9]{1,9}", cells[0]) else 0
    return cells == [str(number) for number in range(first, first + len(cells))]
