"""Everything that a forecaster has seen, and forecasts from any row of it."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, final

import numpy as np
import polars as pl
from jaxtyping import Int64

from gatecast.adapters.sktime.frames import SERIES, TIME
from gatecast.adapters.sktime.packing import packed, unpacked
from gatecast.data.panel import Panel
from gatecast.data.reading import load_panel_like
from gatecast.data.splits import Origins
from gatecast.errors import TimeError
from gatecast.forecast import Forecast
from gatecast.streaming import ForecastStream, StreamOptions
from gatecast.streaming.intake import Arrivals
from gatecast.streaming.options import MOST_MISSED
from gatecast.streaming.tables import counted_times
from gatecast.workflow import Model

MOST_GROWTH, FEW_ROWS = 20, 10_000
LIVE = StreamOptions(intervals="fixed", every=1000, most_missed=MOST_MISSED)
"""Quantiles stand as they were calibrated, as in a forecast from a table; rows are settled rarely, for nobody asks."""
Time: TypeAlias = Any  # datetime64[us], or a whole number


@final
class Past:
    """The rows that came, a panel of them, and once rows have come after fitting a stream that has read them.

    The rows are the truth, the panel and the stream are made from them when they are wanted: so a row that comes again
    with another value, which no state could unread, only costs reading the rows anew.

    Args:
        model: fitted.
        rows: the table it was fitted on, and all that came since.
        panel: of these rows, if it is there.
    """

    def __init__(self, model: Model, rows: pl.DataFrame, panel: Panel | None = None) -> None:
        self.model, self.parts = model, [rows]
        self.first, self.ends = _oldest(rows), _newest(rows)
        self._panel = panel
        self._stream: ForecastStream | None = None

    def __deepcopy__(self, memo: object) -> "Past":
        """A past that goes its own way; a model and rows never change."""
        return Past(self.model, self.rows, self._panel)

    def __getstate__(self) -> dict[str, Any]:
        """The model as the files of its artifact, and the rows: what is made from them is made again."""
        return {"files": packed(self.model), "rows": self.rows}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Raises ArtifactError if the model is damaged."""
        self.__init__(unpacked(state["files"]), state["rows"])

    @property
    def rows(self) -> pl.DataFrame:
        """Every row that came, as a table."""
        if len(self.parts) > 1:
            self.parts = [pl.concat(self.parts, how="vertical_relaxed")]
        return self.parts[0]

    @property
    def panel(self) -> Panel:
        """The rows as the net reads them."""
        if self._panel is None:
            self._panel = self._read(self.rows)
        return self._panel

    @property
    def stream(self) -> ForecastStream:
        """A stream that has read every row."""
        if self._stream is None:
            live, panel = self.model.live(LIVE), self.panel
            names = np.repeat(np.array(panel.ids, dtype=object), panel.lengths).tolist()
            intake = live.intake()
            intake.add(Arrivals(names, counted_times(panel).tolist(), panel.values))
            live.take(intake)
            self._stream = live
        return self._stream

    def add(self, rows: pl.DataFrame) -> None:
        """Take rows: those that are new move the state, and those that are known already change nothing."""
        dated = rows.join(_ends(self.ends, rows), on=SERIES, how="left", maintain_order="left")
        later = (pl.col(TIME) > pl.col("end")).fill_null(value=True)
        new, again = dated.filter(later).drop("end"), dated.filter(~later).drop("end")
        if again.height and again.join(self.rows, on=rows.columns, how="anti", nulls_equal=True).height:
            kept = self.rows.join(rows, on=[SERIES, TIME], how="anti", maintain_order="left")
            self.parts, self._stream = [pl.concat([kept, rows]).sort(SERIES, TIME)], None
            self.first = _oldest(self.rows)
        elif new.height:
            self._observe(new)
            self.parts.append(new)
        else:
            return
        self._panel, self.ends = None, self.ends | _newest(new)

    def ahead(self, ends: Mapping[str, Time], horizon: int, future: pl.DataFrame | None) -> Forecast:
        """Forecast so many rows after the end of each series, reading no row after it.

        Args:
            ends: of each series the time of the last row that may be read.
            horizon: rows to forecast.
            future: the rows of the horizon with what is known of them; None if the net reads nothing of that kind.

        Returns:
            One window for each series, in their order.
        """
        newest = all(self.ends[name] == end for name, end in ends.items())
        if newest and self._stream is not None:
            told = {} if future is None else _told(future, self.model.forecaster.fitted_.columns.future)
            return self._stream.forecast(list(ends), horizon, future=told)
        if newest and future is None:
            panel, ahead = self.panel, 0
        else:
            known = self.rows.join(_ends(ends, self.rows), on=SERIES).filter(pl.col(TIME) <= pl.col("end")).drop("end")
            panel = self._read(pl.concat([known, *([] if future is None else [future])], how="vertical_relaxed"))
            ahead = 0 if future is None else horizon
        series = _places(panel, list(ends))
        return self.model.calibrated.forecast(panel, Origins(series, panel.lengths[series] - ahead), horizon)

    def behind(self, names: Sequence[str], times: np.ndarray) -> tuple[Forecast | None, np.ndarray]:
        """Forecast rows that came, each from the rows before it; and which of them can be.

        A row can be forecast if something came before it, and if what is to be known of it in advance is known.
        """
        panel, columns = self.panel, self.panel.columns
        series = _places(panel, names)
        positions = self._positions(series, names, times)
        inside = (positions > 0) & (positions < panel.lengths[series])
        told = np.isfinite(panel.values[:, len(columns.target) + len(columns.past) :]).all(axis=1)
        can = inside & told[np.where(inside, panel.offsets[series] + positions, 0)]
        if not can.any():
            return None, can
        return self.model.calibrated.forecast(panel, Origins(series[can], positions[can]), 1), can

    def newest(self, name: str, time: Time) -> Time | None:
        """The time of the newest row of a series that came at `time` or before it."""
        if self.ends[name] <= time:
            return self.ends[name]
        times = self.rows.filter(pl.col(SERIES) == name)[TIME].to_numpy()
        return times[times <= time].max() if (times <= time).any() else None

    def _positions(self, series: np.ndarray, names: Sequence[str], times: np.ndarray) -> Int64[np.ndarray, " rows"]:
        """The rows of the panel, within their series, at some times; 0 before the first."""
        if not self.panel.dated:
            return np.asarray([int(time) - self.first[name] for name, time in zip(names, times, strict=True)])
        rows = [self.panel.times[self.panel.rows(number)] for number in range(len(self.panel.ids))]
        found = [np.searchsorted(rows[number], time) for number, time in zip(series, times, strict=True)]
        return np.asarray(found, dtype=np.int64)

    def _read(self, rows: pl.DataFrame) -> Panel:
        fitted = self.model.forecaster.fitted_
        table = as_read(rows, dated=fitted.columns.time is not None, many=fitted.columns.id is not None)
        return load_panel_like(table, fitted.columns, fitted.frequency, self.model.options.table)

    def _observe(self, rows: pl.DataFrame) -> None:
        """Show rows to the stream, which reads each once."""
        columns, names = self.model.forecaster.fitted_.columns, rows[SERIES].to_list()
        stream = self.stream
        first = self.first | {name: time for name, time in _oldest(rows).items() if name not in self.first}
        times = rows[TIME].to_numpy() if columns.time is not None else rows[TIME] - pl.Series(map(first.get, names))
        covariates = rows.select(*columns.past, *columns.future)
        known = covariates.to_dicts() if covariates.width else None
        stream.observe_many(names, list(times), rows.select(columns.target).rows(), known)
        self.first = first


def as_read(rows: pl.DataFrame, *, dated: bool, many: bool) -> pl.DataFrame:
    """Rows as gatecast reads them: those at whole numbers one by one, and a single series without its name."""
    table = rows if dated else numbered(rows)
    return table if many else table.drop(SERIES)


def numbered(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows at whole numbers as gatecast numbers them: every number from the first to the last, and no column of times.

    Raises:
        TimeError: they lie too far apart.
    """
    spans = rows.group_by(SERIES, maintain_order=True).agg(first=pl.col(TIME).min(), end=pl.col(TIME).max() + 1)
    count = int((spans["end"] - spans["first"]).sum())
    if count > FEW_ROWS and count > MOST_GROWTH * rows.height:
        raise TimeError(
            f"the index of y skips nearly every number: {rows.height:,} rows lie on {count:,} steps, for sktime counts "
            f"each whole number as a step. Give y dates with a freq, or number its rows one by one."
        )
    grid = spans.select(SERIES, pl.int_ranges("first", "end").alias(TIME)).explode(TIME)
    return grid.join(rows, on=[SERIES, TIME], how="left", maintain_order="left").drop(TIME)


def _oldest(rows: pl.DataFrame) -> dict[str, Time]:
    return _by_series(rows, pl.col(TIME).min())


def _newest(rows: pl.DataFrame) -> dict[str, Time]:
    return _by_series(rows, pl.col(TIME).max())


def _by_series(rows: pl.DataFrame, time: pl.Expr) -> dict[str, Time]:
    found = rows.group_by(SERIES, maintain_order=True).agg(time)
    return dict(zip(found[SERIES].to_list(), found[TIME].to_numpy(), strict=True))


def _ends(ends: Mapping[str, Time], like: pl.DataFrame) -> pl.DataFrame:
    """The ends of series as a table."""
    times = pl.Series(np.array(list(ends.values()))).cast(like.schema[TIME])
    return pl.DataFrame({SERIES: list(ends), "end": times})


def _places(panel: Panel, names: Sequence[str]) -> Int64[np.ndarray, " names"]:
    """The numbers of series in a panel."""
    index = {name: number for number, name in enumerate(panel.ids)}
    return np.array([index[name] for name in names], dtype=np.int64)


def _told(future: pl.DataFrame, covariates: Sequence[str]) -> dict[str, dict[str, list[Any]]]:
    """What is known of the horizon as a stream takes it."""
    parts = future.partition_by(SERIES, as_dict=True, maintain_order=True)
    return {str(name): part.select(covariates).to_dict(as_series=False) for (name,), part in parts.items()}
