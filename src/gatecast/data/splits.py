"""Train, validation and test by time, and the origins a backtest forecasts from.

    rows of one series     0 ........................ train_end ....... validation_end ............ test_end
    fitted on              [========= train =========)
    chosen by                                        [== validation ==)
    scored on                                                          [======== test =============)

    rolling origins        |------ known ------>|#### horizon ####|
    (here stride=horizon)  |------------------- known ----------->|#### horizon ####|
                           |-------------------------------------- known ---------->|#### horizon ####|

An origin at position p knows rows [0, p) and forecasts rows [p, p + horizon).  Nothing is fitted on, chosen by or
scaled with a row at or after its end.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn

import numpy as np
from jaxtyping import Int64

from gatecast.data.panel import Panel
from gatecast.errors import TooShortError

ENOUGH_WINDOWS = 12


@dataclass(frozen=True, eq=False)
class Split:
    """Where the parts of each series end, as positions; `train` is [0, train_end), and so on."""

    train_end: Int64[np.ndarray, " series"]
    validation_end: Int64[np.ndarray, " series"]
    test_end: Int64[np.ndarray, " series"]


@dataclass(frozen=True, eq=False)
class Origins:
    """The places forecasts start from: series `series[w]` with rows `[0, position[w])` known."""

    series: Int64[np.ndarray, " windows"]
    position: Int64[np.ndarray, " windows"]

    def __len__(self) -> int:
        return len(self.series)

    def some(self, keep: Int64[np.ndarray, " kept"]) -> "Origins":
        """Those at some places of the list."""
        return Origins(self.series[keep], self.position[keep])

    def by_series(self) -> Iterator[tuple[int, Int64[np.ndarray, " some"]]]:
        """Each series that has windows, with the numbers of these."""
        order = np.argsort(self.series, kind="stable")
        series, starts = np.unique(self.series[order], return_index=True)
        yield from zip(series.tolist(), np.split(order, starts[1:]), strict=True)

    def of(self, keep: Int64[np.ndarray, " kept"]) -> "Origins":
        """Those of some series alone, by the numbers that these have among themselves; `keep` ascends."""
        mine = np.isin(self.series, keep)
        return Origins(np.searchsorted(keep, self.series[mine]).astype(np.int64), self.position[mine])


def evenly(items: np.ndarray, most: int) -> np.ndarray:
    """At most `most` of the items, evenly spaced, first and last kept."""
    return items if len(items) <= most else items[evenly_numbered(len(items), most)]


def evenly_numbered(count: int, most: int) -> Int64[np.ndarray, " some"]:
    """At most `most` of the numbers below `count`, evenly spaced, first and last among them."""
    return np.arange(count) if count <= most else np.linspace(0, count - 1, most).round().astype(np.int64)


class Cut(NamedTuple):
    """The two dates at which dated series are cut, and the rows of the longest, which says them.

    Attributes:
        rows: of the longest series.
        train_end: the first time of the validation part; None where that series is too short to be cut.
        validation_end: the first time of the test part.
    """

    rows: int
    train_end: np.datetime64 | None
    validation_end: np.datetime64 | None


def split_by_time(
    panel: Panel,
    horizon: int,
    validation: float = 0.2,
    test: float = 0.2,
    agree: Callable[[Cut], Cut] = lambda own: own,
) -> Split:
    """Cut every series into train, validation and test.

    Each part is a share of the rows, rounded down to whole horizons and at least one; a test share of 0 makes no test
    part.  Dated series are cut at the same two dates, those of the longest, so that no series' training part lies in
    another's future; numbered rows have no common clock, and each series is cut by its own length.

    Args:
        panel: the table.
        horizon: rows of a forecast.
        validation: share of the rows that chooses the best weights.
        test: share of the rows at the end that scores; 0 keeps none.
        agree: among several who hold series of one table, the cut of the longest series of all, for one's own.

    Raises:
        TooShortError: a series is left with fewer than two horizons to train on.
    """
    ends = panel.known()
    validation_end = ends - _whole_horizons(ends, test, horizon)
    train_end = validation_end - _whole_horizons(ends, validation, horizon)
    longest = int(np.argmax(ends))
    if panel.dated:
        times, part_ends = panel.times[panel.rows(longest)], (train_end[longest], validation_end[longest])
        dates = [_time_of(panel, times, int(end)) for end in part_ends] if train_end[longest] > 0 else [None, None]
        cut = agree(Cut(int(ends[longest]), *dates))
        if cut.train_end is not None and cut.validation_end is not None:
            train_end = _positions_at(panel, cut.train_end, ends)
            validation_end = _positions_at(panel, cut.validation_end, ends) if test > 0 else ends
    for series in np.flatnonzero(train_end < 2 * horizon)[:1]:
        _refuse(panel, int(series), max(0, int(train_end[series])), horizon, scored=test > 0)
    return Split(train_end, validation_end, ends)


def split_before(panel: Panel, ends: Int64[np.ndarray, " series"], horizon: int, validation: float = 0.2) -> Split:
    """Cut what lies before `ends` into train and validation; what comes after scores, where there is anything.

    The validation part is a share of the rows before `ends`, in whole horizons and at least one; of dated series it
    begins at one date.

    Raises:
        TooShortError: a series is left with fewer than two horizons to train on.
    """
    train_end = ends - _whole_horizons(ends, validation, horizon)
    longest = int(np.argmax(ends))
    if panel.dated and train_end[longest] > 0:
        train_end = _positions_at(panel, panel.times[panel.rows(longest)][train_end[longest]], ends)
    for series in np.flatnonzero(train_end < 2 * horizon)[:1]:
        raise TooShortError(
            f"horizon={horizon} needs {2 * horizon} rows to train on, but of the {panel.lengths[series]} rows of "
            f'series "{panel.ids[series]}" {max(0, train_end[series])} lie before the validation part. Shorten the '
            f"horizon, take fewer windows or a smaller share with validation=, or leave the series out."
        )
    return Split(train_end, ends, panel.known())


def part_starts(panel: Panel, split: Split) -> tuple[np.generic, np.generic]:
    """The first time of the validation part and of the test part, those of the longest series that reaches so far.

    Dated series share them; a series that ended before such a time has no row there.  Without a test part its first
    time is the one after the last row.
    """
    scored = split.validation_end < split.test_end
    longest = int(np.argmax(np.where(scored | ~scored.any(), split.test_end, -1)))
    times = panel.times[panel.rows(longest)]
    return times[split.train_end[longest]], _time_of(panel, times, int(split.validation_end[longest]))


def _time_of(panel: Panel, times: np.ndarray, row: int) -> Any:  # noqa: ANN401 - numpy types its times by their unit
    """The time of a row of a series, or of the one after its last."""
    return times[row] if row < len(times) else panel.frequency.steps_from(times[-1], 1)[0]


def _whole_horizons(rows: Int64[np.ndarray, " series"], share: float, horizon: int) -> Int64[np.ndarray, " series"]:
    whole = np.floor(rows * share).astype(np.int64) // horizon
    return np.maximum(whole, 1 if share > 0 else 0) * horizon


def _positions_at(
    panel: Panel, time: np.datetime64, ends: Int64[np.ndarray, " series"]
) -> Int64[np.ndarray, " series"]:
    """How many rows of each series come before `time`, at most `ends`."""
    before = np.asarray([np.searchsorted(panel.times[panel.rows(i)], time) for i in range(len(panel.ids))])
    return np.asarray(np.minimum(before, ends), dtype=np.int64)


def _refuse(panel: Panel, series: int, rows: int, horizon: int, *, scored: bool) -> NoReturn:
    name, length = panel.ids[series], int(panel.known()[series])
    least, parts = (4 * horizon, "one to validate, one to test") if scored else (3 * horizon, "one to validate")
    if length < least:
        or_drop = f", or drop short series with min_rows={least}" if len(panel.ids) > 1 else ""
        raise TooShortError(
            f"horizon={horizon} needs at least {least} rows (two horizons to train on, {parts}), but series "
            f'"{name}" has {length}. Shorten the horizon{or_drop}.'
        )
    raise TooShortError(
        f"horizon={horizon} needs {2 * horizon} rows to train on, but of the {length} rows of series "
        f'"{name}" only {rows} lie before the validation part. Shorten the horizon, take smaller shares with '
        f"validation= and test=, or leave the series out."
    )


def scoring_origins(
    start: Int64[np.ndarray, " series"], end: Int64[np.ndarray, " series"], horizon: int, most: int | None = None
) -> Origins:
    """Origins one horizon apart; closer together where that would make fewer than a dozen windows.

    A short test part is the rule in yearly, quarterly and monthly data; overlapping windows tell more of it, and the
    comparison of forecasters knows that they overlap.
    """
    origins = rolling_origins(start, end, horizon, horizon, most)
    if len(origins) >= ENOUGH_WINDOWS or most is not None:
        return origins
    room = int((end - start).max()) - horizon
    return rolling_origins(start, end, horizon, max(1, min(horizon, room // ENOUGH_WINDOWS)))


def rolling_origins(
    start: Int64[np.ndarray, " series"],
    end: Int64[np.ndarray, " series"],
    horizon: int,
    stride: int,
    most: int | None = None,
) -> Origins:
    """Origins whose horizons lie in `[start, end)` of each series, `stride` rows apart, counted back from the end.

    The last window ends exactly at `end`; `most` keeps only that many of each series, the latest.
    """
    series, position = [], []
    for index, (first, last) in enumerate(zip(start.tolist(), end.tolist(), strict=True)):
        places = np.arange(last - horizon, max(first, 1) - 1, -stride)[:most][::-1]
        series.append(np.full(len(places), index))
        position.append(places)
    return Origins(np.concatenate(series).astype(np.int64), np.concatenate(position).astype(np.int64))
