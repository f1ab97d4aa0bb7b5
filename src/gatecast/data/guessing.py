"""Which column plays which part, when nobody said it: every guess comes with its reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64
from msgspec.structs import replace

from gatecast.data.columns import Columns, Guess, TableOptions, taken_columns
from gatecast.data.idcolumn import series_codes, settle_id
from gatecast.data.nonumbers import refuse_no_numbers
from gatecast.data.setaside import set_aside
from gatecast.data.table import Table, name_list, suggest
from gatecast.data.timecolumn import settle_time
from gatecast.data.values import Numbers, could_be_grouped, read_columns
from gatecast.data.words import Rows, settle_words
from gatecast.errors import ColumnError


@dataclass(frozen=True, eq=False)
class Settled:
    """A table whose columns have their parts.

    Attributes:
        table: the raw table.
        columns: the part of every column.
        guesses: what was decided and why, in the order time, id, target, past, left out.
        numbers: every column read as numbers.
        times: datetime64[us] of every row; None without a time column.
        codes: which series each row belongs to, in order of first appearance.
        ids: the name of each series.
    """

    table: Table
    columns: Columns
    guesses: tuple[Guess, ...]
    numbers: Mapping[str, Numbers]
    times: np.ndarray | None
    codes: Int64[np.ndarray, " rows"]
    ids: tuple[str, ...]


def settle_columns(table: Table, options: TableOptions) -> Settled:
    """Give every column its part: what the options say, and a guess for what they leave open.

    Raises:
        ColumnError: a named column does not exist or has two parts, or no column can be the target.
        TimeError: the time column holds something else than dates.
    """
    check_names(table, options)
    numbers = read_columns(table)
    columns, times, guesses = settle_time(table, options, numbers)
    id_column, id_guesses = settle_id(table, options, numbers, times, columns)
    codes, ids = series_codes(table, id_column)
    columns = replace(columns, id=id_column)
    free = _free_numbers(table, options, numbers, columns)
    left_out, why_left = set_aside(free, numbers, times, codes)
    if not free and options.target is None:
        refuse_no_numbers(table, numbers, {columns.time, *columns.time_parts, id_column})
    columns, target_guesses = _settle_values(options, columns, free, left_out)
    columns, word_guesses, why_no_words = settle_words(Rows(table, numbers, codes, times), options, columns)
    used = {*columns.channels, *columns.static, columns.id, columns.time, *columns.time_parts}
    reasons = [*why_left, *why_no_words, *_wordy(table, numbers, why_no_words)]
    left = [
        Guess("left out", name_list(kept), why)
        for names, why in reasons
        if (kept := [n for n in names if n not in used])
    ]
    signs = _signs(table, numbers, [*columns.channels, *columns.static])
    everything = (*table.guesses, *signs, *guesses, *id_guesses, *target_guesses, *word_guesses, *left)
    return Settled(table, columns, everything, numbers, times, codes, ids)


def check_names(table: Table, options: TableOptions) -> None:
    """Refuse names that are no columns, and columns with two parts."""
    parts: dict[str, str] = {}
    for part in ("id", "time", "target", "past", "future", "static"):
        said = getattr(options, part)
        for name in (said,) if isinstance(said, str) else said or ():
            if name in table.strange:
                raise ColumnError(
                    f'column "{name}" ({part}=) holds cells of type {table.strange[name][:40]}, which are neither '
                    f"numbers nor words nor dates. Write one value in each cell."
                )
            if name not in table.frame.columns:
                raise ColumnError(f'there is no column "{name}" ({part}=). {suggest(name, table.frame.columns)}')
            if name in parts:
                raise ColumnError(
                    f'column "{name}" is named as {parts[name]} and as {part}, and a column plays one part. '
                    f"Leave it out of one of them."
                )
            parts[name] = part
    for name in options.categorical or ():
        if name not in table.frame.columns:
            raise ColumnError(f'there is no column "{name}" (categorical=). {suggest(name, table.frame.columns)}')
        if parts.get(name) in ("id", "time", "target"):
            raise ColumnError(f'column "{name}" is named as {parts[name]}, and only covariates can be categorical.')
    if options.target == ():
        raise ColumnError(f"target= names no column. Name at least one of {name_list(table.frame.columns)}.")


def _free_numbers(table: Table, options: TableOptions, numbers: Mapping[str, Numbers], columns: Columns) -> list[str]:
    """The numeric columns that nobody gave a part."""
    taken = taken_columns(options, columns) | set(options.categorical or ())
    return [name for name in table.frame.columns if name not in taken and numbers[name].numeric]


def _settle_values(
    options: TableOptions, columns: Columns, free: Sequence[str], left_out: set[str]
) -> tuple[Columns, tuple[Guess, ...]]:
    """Target and past: the last number is the target, and the other numbers are past covariates."""
    guesses = []
    target, past = options.target, options.past
    if target is None:
        # A table with nothing but a count or a constant in it still has a target.
        choices = [name for name in free if name not in left_out] or list(free)
        chosen, why = _last_number(choices)
        target = (chosen,)
        guesses.append(Guess("target", chosen, why))
    if past is None:
        past = tuple(name for name in free if name not in left_out and name not in target)
        if past:
            guesses.append(Guess("past", name_list(past), "the other columns with numbers, not known ahead"))
    return replace(columns, target=target, past=past, future=options.future, static=options.static), tuple(guesses)


def _last_number(choices: Sequence[str]) -> tuple[str, str]:
    """The target among numeric columns, and why."""
    if len(choices) == 1:
        return choices[0], "the only column with numbers"
    for name in choices:
        if name.lower() == "y":
            return name, "the name says so"
    return choices[-1], "the last column with numbers"


def _wordy(
    table: Table, numbers: Mapping[str, Numbers], explained: Sequence[tuple[list[str], str]]
) -> list[tuple[list[str], str]]:
    done = {name for names, _ in explained for name in names}
    words = [name for name in table.frame.columns if not numbers[name].numeric and numbers[name].known]
    empty = [name for name in table.frame.columns if not numbers[name].known]
    return [([name for name in words if name not in done], "not numbers"), (empty, "no values at all")]


def _signs(table: Table, numbers: Mapping[str, Numbers], used: Sequence[str]) -> list[Guess]:
    """What commas, dots and 万 stand for, where it is not plain to everybody: a guess for each kind."""
    commas = [
        Guess("commas", kind, f'that is what they stand for in column "{name}"')
        for name in used
        if (kind := numbers[name].comma) and not numbers[name].grouped
    ]
    groups = [
        Guess("dots", "thousands", f'that is what they group in column "{name}", for commas are decimal')
        for name in used
        if numbers[name].grouped
    ]
    doubts = [
        Guess("dots", "decimal", f'{cell} in column "{name}" could also be {cell.replace(".", "")}')
        for name in used
        if not numbers[name].grouped and (cell := could_be_grouped(table, name, numbers[name]))
    ]
    powers = [
        Guess("万, 亿", "10,000 and 100,000,000", f'the numbers of column "{name}" are written with them')
        for name in used
        if numbers[name].powers
    ]
    return [*commas[:1], *groups[:1], *doubts[:1], *powers[:1]]
