"""Words as covariates: each different word of a column has a code, and a net can look codes up.

0 is the word that nobody knows; 1, 2, 3, ... are the words of the vocabulary, in the order in which time brings them,
so that what comes later cannot change the code of what came before.  A missing word is NaN, as missing numbers are, and
is carried forward like these.

A vocabulary may hold only what training has seen: `seen_categories` reads it off the training part, and `recode` makes
every other word unknown.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import polars as pl
from jaxtyping import Float, Float64, Int64
from msgspec import structs

from gatecast.data.panel import Panel
from gatecast.data.values import distinct, text_cells

UNKNOWN = 0


def words_of(column: pl.Series) -> pl.Series:
    """The cells of a column as words, null where missing; the number 7.0 is the word 7."""
    if column.dtype.is_float():
        whole = column.fill_nan(None).cast(pl.Int64, strict=False)
        text = pl.DataFrame({"whole": whole.cast(pl.String), "text": column.fill_nan(None).cast(pl.String)})
        return text.select(pl.when(whole == column).then("whole").otherwise("text")).to_series()
    return text_cells(column)


def vocabulary(words: pl.Series, times: np.ndarray | None) -> tuple[str, ...]:
    """The different words of a column by the time of their first row (by row where there are no times)."""
    first, codes = distinct(words)
    order = np.arange(len(codes)) if times is None else np.argsort(times, kind="stable")
    return tuple(word for word in words.gather(first[_by_appearance(codes[order])]).to_list() if word is not None)


def _by_appearance(codes: Int64[np.ndarray, " rows"]) -> Int64[np.ndarray, " levels"]:
    """The different codes, in the order in which they appear."""
    found, first = np.unique(codes, return_index=True)
    return np.asarray(found[np.argsort(first)])


def word_codes(words: pl.Series, known: tuple[str, ...]) -> Float64[np.ndarray, " rows"]:
    """The code of each word: 1, 2, ... by its place in `known`, `UNKNOWN` if it is not there, NaN if it is missing."""
    first, codes = distinct(words)
    places = {word: place for place, word in enumerate(known, start=1)}
    of = [np.nan if word is None else places.get(word, UNKNOWN) for word in words.gather(first).to_list()]
    return np.asarray(of, dtype=np.float64)[codes]


def seen_categories(panel: Panel, ends: Int64[np.ndarray, " series"]) -> dict[str, tuple[str, ...]]:
    """The vocabularies of a panel, as far as the rows before `ends` of each series tell them; no other row is read.

    Words of static covariates are kept: they are those of the series themselves.
    """
    columns = panel.columns
    if not columns.categories:
        return {}
    position = np.arange(len(panel.times)) - np.repeat(panel.offsets[:-1], panel.lengths)
    rows = np.flatnonzero(position < np.repeat(ends, panel.lengths))
    rows = rows[np.argsort(panel.times[rows], kind="stable")]
    seen = {name: words for name, words in columns.categories.items() if name in columns.static}
    for channel, name in enumerate(columns.channels):
        if name in columns.categories:
            codes = panel.values[rows, channel]
            known = codes[np.isfinite(codes) & (codes != UNKNOWN)].astype(np.int64)
            seen[name] = tuple(columns.categories[name][code - 1] for code in _by_appearance(known).tolist())
    return seen


def recode(panel: Panel, categories: Mapping[str, tuple[str, ...]]) -> Panel:
    """The same panel with the codes of other vocabularies; words that these lack become unknown."""
    columns = panel.columns
    if dict(categories) == columns.categories:
        return panel
    values, static = panel.values.copy(), panel.static.copy()
    for table, names in ((values, columns.channels), (static, columns.static)):
        for place, name in enumerate(names):
            if name in columns.categories:
                table[:, place] = _translated(table[:, place], columns.categories[name], categories.get(name, ()))
    kept = {name: categories.get(name, ()) for name in columns.categories}
    return replace(panel, columns=structs.replace(columns, categories=kept), values=values, static=static)


def _translated(
    codes: Float[np.ndarray, " rows"], old: tuple[str, ...], new: tuple[str, ...]
) -> Float64[np.ndarray, " rows"]:
    places = {word: place for place, word in enumerate(new, start=1)}
    table = np.asarray([UNKNOWN, *(places.get(word, UNKNOWN) for word in old)], dtype=np.float64)
    return np.where(np.isfinite(codes), table[np.nan_to_num(codes).astype(np.int64)], np.nan)


def unknown_words(panel: Panel) -> tuple[str, ...]:
    """A note for each column with words that the vocabulary lacks: how many rows of which column hold one."""
    return unknown_notes(unknown_counts(panel))


def unknown_counts(panel: Panel) -> dict[str, int]:
    """How many rows of each column of words hold one that its vocabulary lacks."""
    places = [(name, panel.values[:, place]) for place, name in enumerate(panel.columns.channels)]
    places += [(name, panel.static[:, place]) for place, name in enumerate(panel.columns.static)]
    return {name: int((codes == UNKNOWN).sum()) for name, codes in places if name in panel.columns.categories}


def unknown_notes(counts: Mapping[str, int]) -> tuple[str, ...]:
    """The counts in words."""
    return tuple(
        f'{count:,} rows of "{name}" hold words that training has not seen; they are read as unknown'
        for name, count in counts.items()
        if count
    )
