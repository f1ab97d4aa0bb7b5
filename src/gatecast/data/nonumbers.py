"""Refusing a table without a column of numbers: what stands there instead, and how to write it."""

from collections.abc import Collection, Mapping
from typing import NoReturn

from gatecast.data.table import Table, shown
from gatecast.data.values import Numbers
from gatecast.errors import TableError

_NONE = "no column holds numbers that could be forecast"


def refuse_no_numbers(table: Table, numbers: Mapping[str, Numbers], busy: Collection[str | None]) -> NoReturn:
    """Say which cell was looked for a number in vain.

    Args:
        table: the table.
        numbers: its columns, none of which is numeric, but for those that are busy.
        busy: columns that are the time or tell series apart.

    Raises:
        TableError: always.
    """
    free = [name for name in numbers if name not in busy]
    words = [name for name in free if len(numbers[name].bad)]
    if table.lines is not None and len(numbers) == 1 and words:
        raise TableError(
            f"{_NONE}: the lines are one column, {shown(words[0])}, then {_first(table, words[0], numbers)}. Put "
            f"commas, semicolons, tabs or bars between the cells, and delete lines that stand above the header."
        )
    if words:
        raise TableError(
            f"{_NONE}: column {shown(words[-1])} has {_first(table, words[-1], numbers)}. Write 1234.5, without units, "
            f"percent or money, and in the digits 0 to 9; thousands may be grouped by commas."
        )
    for name, kind in list(table.strange.items())[-1:]:
        raise TableError(f"{_NONE}: column {shown(name)} has cells of type {kind[:40]}. Write one number in each cell.")
    if free:
        raise TableError(f"{_NONE}: every cell of column {shown(free[-1])} is missing. Fill it.")
    raise TableError(f"{_NONE}: the columns are the time or tell series apart. Add one with a number in each row.")


def _first(table: Table, name: str, numbers: Mapping[str, Numbers]) -> str:
    """The first cell that is neither missing nor a number: `"5 kg" in line 2`."""
    row = int(numbers[name].bad[0])
    return f"{shown(table.frame[name][row])} in {table.where(row)}"
