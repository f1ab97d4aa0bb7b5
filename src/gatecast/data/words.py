"""Which columns are read as words: those named, and text columns with few different ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Int64
from msgspec.structs import replace

from gatecast.data.categories import vocabulary, words_of
from gatecast.data.columns import MOST_LEVELS, Columns, Guess, TableOptions
from gatecast.data.setaside import date_fields
from gatecast.data.table import Table, name_list
from gatecast.data.values import Numbers
from gatecast.errors import ColumnError

FEW_LEVELS = 50  # different words of a column that is read without being named
FEW_ROWS = 10  # rows that each of them has on average


@dataclass(frozen=True, eq=False)
class Rows:
    """What a column of words is compared with: the table, the series of every row, and its time."""

    table: Table
    numbers: Mapping[str, Numbers]
    codes: Int64[np.ndarray, " rows"]
    times: np.ndarray | None

    def is_text(self, name: str) -> bool:
        """Whether a column holds text that is not meant to be numbers."""
        numbers = self.numbers[name]
        return not numbers.numeric and numbers.known > 0 and self.table.frame[name].dtype == pl.String


def settle_words(
    rows: Rows, options: TableOptions, columns: Columns
) -> tuple[Columns, tuple[Guess, ...], list[tuple[list[str], str]]]:
    """Columns with their vocabularies; the guesses; and the columns of words that are left out, and why.

    Text columns that play a part are words, unless `categorical` names other columns or none.  What it names and nobody
    gave a part becomes a past covariate, and so does, when nobody named anything, a text column with few different
    words; or a static covariate, if it has one word in each series.

    Raises:
        ColumnError: a column that is named has too many different words, or plays no part.
    """
    words = _words(rows, options, columns)
    named = [name for name in options.categorical or () if name not in _covariates(columns)]
    if named and options.past is not None:
        raise ColumnError(
            f"categorical= names {name_list(named)}, which play no part. Name them under past=, future= or static= too."
        )
    free, left = list[str](), list[tuple[list[str], str]]()
    if options.categorical is None and options.past is None:
        free, left = _few(rows, {name: cells for name, cells in words.items() if name not in _covariates(columns)})
    static = [name for name in (*named, *free) if _one_a_series(rows, words[name])]
    past = [name for name in (*named, *free) if name not in static]
    columns = replace(columns, past=(*columns.past, *past), static=(*columns.static, *static))
    names = [name for name in words if name in _covariates(columns)]
    categories = {name: _checked_vocabulary(name, words[name], rows.times) for name in names}
    return replace(columns, categories=categories), _guesses(categories, free, static), left


def _covariates(columns: Columns) -> tuple[str, ...]:
    return (*columns.past, *columns.future, *columns.static)


def _words(rows: Rows, options: TableOptions, columns: Columns) -> dict[str, pl.Series]:
    """The cells of the columns that may be read as words."""
    frame, busy = rows.table.frame, {columns.id, columns.time, *columns.time_parts, *columns.target}
    if options.categorical is not None:
        names = list(options.categorical)
    else:
        names = [name for name in frame.columns if name not in busy and rows.is_text(name)]
    return {name: words_of(frame[name]) for name in names}


def _few(rows: Rows, words: Mapping[str, pl.Series]) -> tuple[list[str], list[tuple[list[str], str]]]:
    """The text columns that nobody named and that are worth reading; and the others, by the reason."""
    reasons = {name: _why_not(rows, cells) for name, cells in words.items()}
    left = [([name for name in reasons if reasons[name] == why], why) for why in dict.fromkeys(reasons.values()) if why]
    return [name for name, why in reasons.items() if not why], left


def _why_not(rows: Rows, words: pl.Series) -> str:
    """Why a text column that nobody named is left out; empty if it is read."""
    levels = words.drop_nulls().n_unique()
    if levels < 2:
        return "never changes"
    if levels == len(np.unique(rows.codes)) and _one_a_series(rows, words):
        return "names the series once more"
    if levels > FEW_LEVELS or levels * FEW_ROWS > len(words):
        return "many different words; those named under categorical= are read"
    return "follows from the time" if _tells_the_date(rows, words) else ""


def _one_a_series(rows: Rows, words: pl.Series) -> bool:
    """Whether a column has one word in each of several series."""
    frame = pl.DataFrame({"series": rows.codes, "word": words}).drop_nulls()
    series = frame["series"].n_unique()
    return bool(1 < series == frame.n_unique() == len(np.unique(rows.codes)))


def _tells_the_date(rows: Rows, words: pl.Series) -> bool:
    """Whether a word follows from a field of its row's time, as the name of the weekday does."""
    if rows.times is None:
        return False
    fields = {str(place): field for place, field in enumerate(date_fields(rows.times))}
    frame = pl.DataFrame({"word": words} | fields).drop_nulls()
    cycles = [field for field in fields if FEW_ROWS * frame[field].n_unique() <= frame.height]
    return any(frame.select("word", field).n_unique() == frame[field].n_unique() for field in cycles)


def _checked_vocabulary(name: str, words: pl.Series, times: np.ndarray | None) -> tuple[str, ...]:
    known = vocabulary(words, times)
    if len(known) > MOST_LEVELS or (len(known) > 1 and len(known) == len(words)):
        raise ColumnError(
            f'column "{name}" has {len(known):,} different words in {len(words):,} rows, too many to learn what each '
            f"means (at most {MOST_LEVELS:,}, and fewer than rows). Group them, or leave the column out."
        )
    return known


def _guesses(
    categories: Mapping[str, tuple[str, ...]], free: Sequence[str], static: Sequence[str]
) -> tuple[Guess, ...]:
    """What was decided about columns that nobody named."""
    found = []
    for part, why in (("past", "few different words, not known ahead"), ("static", "one word for each series")):
        names = [name for name in free if (name in static) == (part == "static")]
        if names:
            value = name_list([f"{name} ({len(categories[name])} words)" for name in names])
            found.append(Guess(f"categorical, {part}", value, why))
    return tuple(found)
