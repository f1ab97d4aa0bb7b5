"""GluonTS: its data sets to a long table, and forecasts to its `QuantileForecast`.

    target                                     y, or y_0, y_1, ... of several
    feat_dynamic_real, feat_dynamic_cat        future
    past_feat_dynamic_real, ..._cat            past
    feat_static_real, feat_static_cat          static
    item_id                                    unique_id; item_0, item_1, ... where there is none

Categories (..._cat) are looked up, never counted with.  What is read is only looked at; GluonTS itself is imported
where a forecast of its own is made.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import polars as pl

from gatecast.adapters.long_table import ID, TIME, LongTable, Window, windows_of
from gatecast.data.table import name_list
from gatecast.errors import ColumnError, InputError, MissingExtraError, TimeError

Entry = Mapping[str, Any]
"""One series of a data set."""

QuantileForecast = Any
"""A forecast of GluonTS'."""

FUTURE, PAST = ("feat_dynamic_real", "feat_dynamic_cat"), ("past_feat_dynamic_real", "past_feat_dynamic_cat")
STATIC = ("feat_static_real", "feat_static_cat")


def from_gluonts(dataset: Iterable[Entry]) -> LongTable:
    """A long table of a data set: a `PandasDataset`, a `ListDataset`, or a list of dicts.

    Features that reach further than the target become rows without one.

    Raises:
        InputError: there is no series, a feature is shorter than its target, or a past one is not as long.
        ColumnError: series have different features.
        TimeError: `start` is no period of pandas.
    """
    entries = list(dataset)
    if not entries:
        raise InputError("the data set has no series: give at least one.")
    parts = [_rows(entry, f"item_{number}") for number, entry in enumerate(entries)]
    for entry, part in zip(entries, parts, strict=True):
        if part.columns != parts[0].columns:
            raise ColumnError(
                f"item {entry.get('item_id')} has {name_list(part.columns)}, and the first has "
                f"{name_list(parts[0].columns)}: all need the same features."
            )
    first = entries[0]
    named = {name: tuple(_dynamic(first, (name,))) for name in (*FUTURE, *PAST)}
    named |= {name: tuple(_static(first, (name,))) for name in STATIC}
    words = tuple(column for name, columns in named.items() if name.endswith("_cat") for column in columns)
    settings: dict[str, Any] = {
        "id": ID,
        "time": TIME,
        "target": tuple(_target(first)),
        "future": tuple(name for key in FUTURE for name in named[key]),
        "past": tuple(name for key in PAST for name in named[key]),
        "static": tuple(name for key in STATIC for name in named[key]),
    }
    return LongTable(pl.concat(parts), settings | ({"categorical": words} if words else {}))


def to_gluonts(forecast: Any, freq: str, target: str = "y") -> list[QuantileForecast]:  # noqa: ANN401
    """A `QuantileForecast` of GluonTS' for each window of a forecast; its mean is the point forecast.

    Args:
        forecast: a `gatecast.Forecast`, or a frame as its `to_frame` makes it.
        freq: the step as pandas names it, such as that of the data set.
        target: the name of the target of a frame that does not tell it.

    Raises:
        ColumnError: it is no frame of forecasts.
        TimeError: it is of rows without dates.
        MissingExtraError: GluonTS is not installed.
    """
    try:
        import pandas as pd  # noqa: PLC0415 - what is made is theirs
        from gluonts.model.forecast import QuantileForecast as Made  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtraError("gluonts", None, "making a QuantileForecast") from error

    def made(window: Window) -> QuantileForecast:
        said = np.concatenate([np.moveaxis(window.quantiles, -1, 0), window.mean[None]])  # (levels + 1, time, targets)
        keys = [*(f"{level:g}" for level in window.levels), "mean"]
        if not np.issubdtype(window.times.dtype, np.datetime64):
            raise TimeError(
                "GluonTS tells time by periods, and this forecast is of rows without dates: give rows dates."
            )
        start = pd.Period(window.times[0], freq=freq)
        return Made(said[..., 0] if said.shape[2] == 1 else said, start, keys, item_id=window.id)

    return [made(window) for window in windows_of(forecast, target)]


def _rows(entry: Entry, name: str) -> pl.DataFrame:
    """The rows of one series."""
    called = str(entry.get("item_id", name))
    target, future, past = _target(entry), _dynamic(entry, FUTURE), _dynamic(entry, PAST)
    rows = len(next(iter(target.values())))
    ahead = max([rows, *(len(values) for values in future.values())])
    for column, values in (future | past).items():
        if len(values) not in ({rows} if column in past else {ahead}):
            raise InputError(
                f"{column} of item {called} has {len(values)} values, and {rows if column in past else ahead} are "
                f"expected: past features are as long as the target, and the others all reach as far as each other."
            )
    columns = {column: _filled(values, ahead) for column, values in (target | past | future).items()}
    times = _times(entry, called, ahead)
    return pl.DataFrame({ID: [called] * ahead, TIME: times, **columns}).with_columns(
        pl.lit(value).alias(column) for column, value in _static(entry, STATIC).items()
    )


def _times(entry: Entry, called: str, rows: int) -> np.ndarray:
    """The times of so many rows from `start` on: the begin of each period."""
    import pandas as pd  # noqa: PLC0415 - a period is of pandas

    start = entry.get("start")
    if not isinstance(start, pd.Period):
        raise TimeError(
            f"start of item {called} is {start!r}, and a period of pandas is expected, which tells the step too: give "
            f'pandas.Period("2024-01-01", freq="D").'
        )
    return np.asarray(pd.period_range(start, periods=rows, freq=start.freq).to_timestamp().to_numpy())


def _filled(values: np.ndarray, rows: int) -> pl.Series:
    """So many rows, missing where there is no value."""
    padded = np.concatenate([values.astype(np.float64), np.full(rows - len(values), np.nan)])
    return pl.Series(padded).fill_nan(None)


def _target(entry: Entry) -> dict[str, np.ndarray]:
    values = np.asarray(entry["target"])
    return {"y": values} if values.ndim == 1 else {f"y_{place}": each for place, each in enumerate(values)}


def _dynamic(entry: Entry, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """The features of these kinds that change over time, (features, time), by the names of their columns."""
    given = {name: np.atleast_2d(np.asarray(entry[name])) for name in names if name in entry}
    return {f"{name}_{place}": each for name, values in given.items() for place, each in enumerate(values)}


def _static(entry: Entry, names: tuple[str, ...]) -> dict[str, Any]:
    """The features of these kinds that do not, by the names of their columns."""
    given = {name: np.atleast_1d(np.asarray(entry[name])) for name in names if name in entry}
    return {f"{name}_{place}": each for name, values in given.items() for place, each in enumerate(values.tolist())}
