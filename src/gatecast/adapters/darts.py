"""Darts: its `TimeSeries` to a long table, and forecasts to its `TimeSeries`.

    components              targets, or past and future covariates, each under its own name
    static covariates       static; one for each component where Darts has one for each
    a quantile forecast     one component for each quantile, y_q0.100, as Darts' own models say them
    sample paths            the samples of a stochastic series

What is read is only looked at; Darts itself is imported where a series of its own is made.
"""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import polars as pl

from gatecast.adapters.long_table import ID, TIME, LongTable, Window, windows_of
from gatecast.data.table import name_list
from gatecast.errors import ColumnError, InputError, MissingExtraError, TimeError

TimeSeries = Any
"""A series of Darts'."""


def from_darts(
    series: TimeSeries | Sequence[TimeSeries],
    past_covariates: TimeSeries | Sequence[TimeSeries] | None = None,
    future_covariates: TimeSeries | Sequence[TimeSeries] | None = None,
    ids: Sequence[str] | None = None,
) -> LongTable:
    """A long table of one series or several, with the covariates of each where there are some.

    Rows of past covariates without a target are left out, and so are those of future ones before it begins.

    Args:
        series: what is forecast.
        past_covariates: one for each series.
        future_covariates: one for each series; they may reach further than it does.
        ids: a name for each series; `series_0`, `series_1`, ... if None.

    Raises:
        InputError: the numbers of series and covariates differ, or one holds samples.
        ColumnError: two components have one name, or series have different ones.
        TimeError: steps are numbered otherwise than 0, 1, 2, ...
    """
    many = _listed(series)
    names = [f"series_{number}" for number in range(len(many))] if ids is None else list(ids)
    past, future = (
        [None] * len(many) if given is None else _listed(given) for given in (past_covariates, future_covariates)
    )
    if not len(names) == len(many) == len(past) == len(future):
        raise InputError(
            f"each series needs a name and covariates of its own: got {len(many)} series, {len(names)} ids, "
            f"{len(past)} past and {len(future)} future covariates."
        )
    parts = [_rows(name, *each) for name, *each in zip(names, many, past, future, strict=True)]
    for name, part in zip(names, parts, strict=True):
        if part.columns != parts[0].columns:
            raise ColumnError(
                f"series {name} has {name_list(part.columns)}, and {names[0]} has {name_list(parts[0].columns)}: all "
                f"need the same components and static covariates."
            )
    settings: dict[str, Any] = {"id": ID, "target": _components(many[0]), "static": tuple(_static(many[0]))}
    settings |= {"past": _components(past[0]), "future": _components(future[0])}
    dated = parts[0].schema[TIME] != pl.Int64
    settings |= {"time": TIME} if dated else {"frequency": "row"}
    frame = pl.concat(parts)
    return LongTable(frame if dated else frame.drop(TIME), settings)


def to_darts(forecast: Any, target: str = "y", freq: str | None = None) -> list[TimeSeries]:  # noqa: ANN401
    """A series of Darts' for each window of a forecast; `unique_id` is a static covariate of it.

    Args:
        forecast: a `gatecast.Forecast`, or a frame as its `to_frame` makes it.
        target: the name of the target of a frame that does not tell it.
        freq: the step as pandas names it, which a window of one row does not tell.

    Raises:
        ColumnError: it is no frame of forecasts.
        MissingExtraError: Darts is not installed.
    """
    try:
        import pandas as pd  # noqa: PLC0415 - what is made is theirs
        from darts import TimeSeries as Series  # noqa: PLC0415
        from darts.utils.likelihood_models.base import quantile_names  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtraError("darts", None, "making a TimeSeries") from error

    def made(window: Window) -> TimeSeries:
        dated = np.issubdtype(window.times.dtype, np.datetime64)
        first = window.times[0]
        times = pd.DatetimeIndex(window.times) if dated else pd.RangeIndex(int(first), int(first) + len(window.times))
        quantiles = [name for each in window.targets for name in quantile_names(list(window.levels), each)]
        components, values = _said(window, quantiles)
        static = pd.DataFrame({ID: [window.id]})
        return Series(times, values, freq=freq, components=list(components), static_covariates=static)

    return [made(window) for window in windows_of(forecast, target)]


def _said(window: Window, quantiles: list[str]) -> tuple[Sequence[str], np.ndarray]:
    """The components of a window and their values; (time, components, samples)."""
    if window.samples is not None:
        return window.targets, window.samples.transpose(1, 2, 0)
    if not window.levels:
        return window.targets, window.mean[..., None]
    return quantiles, window.quantiles.reshape(len(window.times), -1, 1)


def _listed(series: TimeSeries | Sequence[TimeSeries]) -> list[TimeSeries]:
    return list(series) if isinstance(series, Sequence) else [series]


def _components(series: TimeSeries | None) -> tuple[str, ...]:
    return () if series is None else tuple(map(str, series.components))


def _rows(name: str, series: TimeSeries, past: TimeSeries | None, future: TimeSeries | None) -> pl.DataFrame:
    """The rows of one series, with what is known of it beside and, of the future, below."""
    rows = _frame(name, series)
    if past is not None:
        rows = _beside(rows, _frame(name, past), how="left")
    if future is not None:
        ahead = _frame(name, future).filter(pl.col(TIME) >= rows[TIME][0])
        rows = _beside(rows, ahead, how="full").sort(TIME)
    static = [pl.lit(value).alias(column) for column, value in _static(series).items()]
    return rows.select(pl.lit(name).alias(ID), *rows.columns).with_columns(static)


def _beside(rows: pl.DataFrame, more: pl.DataFrame, how: Literal["left", "full"]) -> pl.DataFrame:
    for name in set(rows.columns) & set(more.columns) - {TIME}:
        raise ColumnError(
            f'two components are called "{name}", and a table has one column of a name: rename one, as by '
            f'with_columns_renamed("{name}", ...).'
        )
    return rows.join(more, on=TIME, how=how, coalesce=True, maintain_order="left")


def _frame(name: str, series: TimeSeries) -> pl.DataFrame:
    """The times and the values of a series."""
    values = np.asarray(series.all_values(copy=False))  # (time, components, samples)
    if values.shape[2] > 1:
        raise InputError(
            f"{name} holds {values.shape[2]} samples of each value, and a net learns from what was observed: give "
            f"observations, or one line of the samples, such as quantile(0.5)."
        )
    times = np.asarray(series.time_index)
    if not np.issubdtype(times.dtype, np.datetime64) and not np.array_equal(times, np.arange(len(times))):
        raise TimeError(
            f"{name} numbers its steps {times[0]}, {times[1] if len(times) > 1 else '...'}, and rows without dates are "
            f"counted 0, 1, 2, ...: number them so, or give dates."
        )
    found = {column: values[:, place, 0] for place, column in enumerate(_components(series))}
    return pl.DataFrame({TIME: times, **found}).with_columns(pl.col(pl.Float64, pl.Float32).fill_nan(None))


def _static(series: TimeSeries) -> dict[str, Any]:
    """The static covariates of a series by the names of their columns."""
    static = series.static_covariates
    if static is None:
        return {}
    each = [(str(row), str(name), static.loc[row, name]) for row in static.index for name in static.columns]
    return {name if len(static) == 1 else f"{name}_{row}": value for row, name, value in each}
