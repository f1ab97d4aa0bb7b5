"""The rows that a chart draws: cut to what is worth seeing, one forecast for each time, gaps kept."""

import re
from dataclasses import dataclass

import numpy as np
import polars as pl

from gatecast.reporting.record import RunReport
from gatecast.reporting.views import View, known

MOST_POINTS = 1500


@dataclass(frozen=True)
class Interval:
    """The outermost quantiles of a forecast: their columns, and the share of actuals they should hold."""

    low: str
    high: str
    share: float

    def __str__(self) -> str:
        return f"{100 * self.share:.3g} % interval"


def interval(frame: pl.DataFrame) -> Interval | None:
    """The interval between the outermost quantile columns, such as `q0.1` and `q0.9`; None for a point forecast."""
    found = [re.fullmatch(r"q(0?\.\d+)", name) for name in frame.columns]
    levels = sorted((float(match[1]), match[0]) for match in found if match)
    if len(levels) < 2:
        return None
    return Interval(levels[0][1], levels[-1][1], levels[-1][0] - levels[0][0])


def axis(times: pl.Series) -> np.ndarray:
    """Times as both chart libraries take them: datetime64[us] without a zone, or integers."""
    if isinstance(times.dtype, pl.Datetime):
        return times.dt.replace_time_zone(None).dt.cast_time_unit("us").to_numpy()
    return times.to_numpy()


def values(frame: pl.DataFrame, name: str) -> np.ndarray:
    """A column as float32 (half the file size, seven digits); missing values, or a missing column, are NaN."""
    if name not in frame.columns:
        return np.full(len(frame), np.nan, dtype=np.float32)
    return frame[name].cast(pl.Float32).fill_null(float("nan")).to_numpy()


def before_the_end(run: RunReport, view: View) -> pl.DataFrame:
    """The stretch of history in front of the forecast that is worth seeing beside it."""
    rows = max(4 * run.metrics.horizon, 3 * run.metrics.season, 60)
    return view.of(run.history).tail(min(rows, MOST_POINTS))


def backtest_rows(run: RunReport, view: View, most: int) -> pl.DataFrame:
    """The latest rows of the test part: `ds, y`, and one column for each model (`low`, `high`: the net's interval).

    Where windows overlap, the latest ones that do not are shown, so that each time has one forecast.
    """
    mine = view.of(run.backtest)
    net = mine.filter(pl.col("model") == run.name)
    mine = mine.filter(pl.col("cutoff").is_in(_apart(net)))
    time = pl.col("ds").cast(mine.schema["ds"])
    actuals = pl.concat([view.of(frame).select(time, known("y")) for frame in (run.history, mine)])
    actuals = actuals.filter(pl.col("ds").is_between(mine["ds"].min(), mine["ds"].max()))
    rows = actuals.sort("ds", "y", nulls_last=True).unique("ds", keep="first", maintain_order=True)
    for model in mine["model"].unique(maintain_order=True):
        point = mine.filter(pl.col("model") == model).select("ds", known("mean").alias(f"model:{model}"))
        rows = rows.join(point, on="ds", how="left", maintain_order="left")
    if (ends := interval(run.backtest)) is not None:
        band = mine.filter(pl.col("model") == run.name).select("ds", low=ends.low, high=ends.high)
        rows = rows.join(band, on="ds", how="left", maintain_order="left")
    return rows.tail(most)


def _apart(net: pl.DataFrame) -> list[object]:
    """The cutoffs of the latest windows that do not overlap."""
    windows = (
        net.group_by("cutoff").agg(first=pl.col("ds").min(), last=pl.col("ds").max()).sort("cutoff", descending=True)
    )
    kept: list[object] = []
    edge = None
    for cutoff, first, last in windows.iter_rows():
        if edge is None or last < edge:
            kept.append(cutoff)
            edge = first
    return kept


def thin(frame: pl.DataFrame, most: int = MOST_POINTS) -> pl.DataFrame:
    """A long series in at most `most` rows, keeping the lowest and the highest of each stretch, so that spikes stay."""
    if len(frame) <= most:
        return frame
    stretch = -(-2 * len(frame) // most)
    rows = frame.with_columns(known("y")).with_row_index("row")
    ends = rows.group_by(pl.col("row") // stretch).agg(low=pl.col("y").arg_min(), high=pl.col("y").arg_max())
    places = pl.concat([ends["row"] * stretch + ends[end].fill_null(0) for end in ("low", "high")]).unique().sort()
    return rows[places].drop("row")
