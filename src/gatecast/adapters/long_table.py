"""A long table made of somebody else's series, and gatecast's forecasts window by window, for what is made of them."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Float64

from gatecast.data.sources import open_table
from gatecast.errors import ColumnError
from gatecast.forecast import Forecast

ID, TIME = "unique_id", "ds"


class LongTable(NamedTuple):
    """One row a series and time, and which column plays which part: `gatecast.fit(long.frame, **long.settings)`."""

    frame: pl.DataFrame
    settings: dict[str, Any]


class Window(NamedTuple):
    """One forecast: of one series, from one cutoff.

    Attributes:
        id: the series.
        times: the times forecast.
        targets: names of the targets.
        levels: of the quantiles; empty of a point forecast.
        mean: the point forecast.
        quantiles: one for each level.
        samples: sample paths, where they were asked for.
    """

    id: str
    times: np.ndarray
    targets: tuple[str, ...]
    levels: tuple[float, ...]
    mean: Float64[np.ndarray, "horizon targets"]
    quantiles: Float64[np.ndarray, "horizon targets levels"]
    samples: Float64[np.ndarray, "paths horizon targets"] | None


def windows_of(forecast: Any, target: str) -> Iterator[Window]:  # noqa: ANN401 - a Forecast, or a frame of any library
    """The windows of a forecast, or of a frame as `Forecast.to_frame` makes it, whose one target may have any name.

    Raises:
        ColumnError: it is no frame of forecasts.
    """
    if isinstance(forecast, Forecast):
        yield from _of_forecast(forecast)
        return
    frame = open_table(forecast).frame
    lacking = [name for name in (ID, "cutoff", TIME, "mean") if name not in frame.columns]
    if lacking:
        raise ColumnError(
            f"a frame of forecasts has the columns unique_id, cutoff, ds, mean and q0.1, ..., and here {lacking[0]} is "
            f"missing: give what model.predict().to_frame() makes."
        )
    if "target" not in frame.columns:
        frame = frame.with_columns(target=pl.lit(target))
    if frame.schema[TIME].is_temporal():
        frame = frame.with_columns(
            pl.col(TIME).cast(pl.Datetime("us"))
        )  # as a forecast tells it, whoever kept the frame
    columns = [name for name in frame.columns if name[0] == "q" and name[1:].replace(".", "", 1).isdigit()]
    for (name, *_), part in frame.group_by(ID, "cutoff", maintain_order=True):
        targets = tuple(part["target"].unique(maintain_order=True).to_list())
        shape = len(part) // len(targets), len(targets)
        yield Window(
            str(name),
            part[TIME].unique(maintain_order=True).to_numpy(),
            targets,
            tuple(float(column[1:]) for column in columns),
            part["mean"].to_numpy().reshape(shape),
            part.select(columns).to_numpy().reshape(*shape, len(columns)),
            None,
        )


def _of_forecast(forecast: Forecast) -> Iterator[Window]:
    for window, series in enumerate(forecast.series.tolist()):
        yield Window(
            forecast.ids[series],
            forecast.times[window],
            forecast.targets,
            forecast.levels,
            forecast.mean[window],
            forecast.quantiles[window],
            None if forecast.samples is None else forecast.samples[window],
        )
