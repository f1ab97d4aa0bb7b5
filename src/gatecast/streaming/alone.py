"""One series of a table, row by row: how an audit asks whether single observations tell what the table does."""

from typing import final

import numpy as np
from jaxtyping import Float32, Float64

from gatecast.data.panel import Panel
from gatecast.data.splits import Origins
from gatecast.errors import OptionError
from gatecast.forecast import Forecast
from gatecast.forecaster import RecurrentForecaster
from gatecast.streaming.intake import Arrivals
from gatecast.streaming.options import StreamOptions
from gatecast.streaming.stream import ForecastStream
from gatecast.streaming.tables import counted_times

AS_SAID = StreamOptions(intervals="fixed")


@final
class Alone:
    """A stream of one series that takes the rows of a panel in their order.

    Args:
        forecaster: fitted.
        panel: the table, of which the times and what is known in advance are read, and the rows before `start`.
        series: which of its series.
        start: rows that have been seen.
    """

    def __init__(self, forecaster: RecurrentForecaster, panel: Panel, series: int, start: int) -> None:
        self.panel, self.rows, self.name, self.seen = panel, panel.rows(series), panel.ids[series], 0
        self.times = counted_times(panel)[self.rows]
        self.stream = ForecastStream(forecaster, options=AS_SAID)
        self.stream.know(panel)
        self._take(panel.values[self.rows][:start])

    def observe(self, row: Float32[np.ndarray, " channels"]) -> None:
        """Take in the next row."""
        self._take(row[None])

    def forecast(self, horizon: int) -> Float64[np.ndarray, "horizon targets"]:
        """The point forecast of the next rows."""
        columns, rows = self.panel.columns, self.panel.values[self.rows]
        ahead = rows[self.seen : self.seen + horizon, len(columns.channels) - len(columns.future) :]
        return self.stream.forecast_told(self.name, horizon, ahead.astype(np.float64)).mean[0]

    def _take(self, raw: Float32[np.ndarray, "rows channels"]) -> None:
        """Rows with the times of the table."""
        times = self.times[self.seen : self.seen + len(raw)]
        intake = self.stream.intake()
        intake.add(Arrivals([self.name] * len(raw), times.tolist(), np.array(raw)))
        self.stream.take(intake)
        self.seen += len(raw)


@final
class Streaming:
    """A forecaster that can also take one observation at a time."""

    def __init__(self, forecaster: RecurrentForecaster) -> None:
        self.forecaster = forecaster

    @property
    def name(self) -> str:
        """The name of the forecaster."""
        return self.forecaster.name

    def forecast(self, panel: Panel, origins: Origins, horizon: int) -> Forecast:
        """As the forecaster does."""
        return self.forecaster.forecast(panel, origins, horizon)

    def bounded(self, panel: Panel, origins: Origins, horizon: int, context: int) -> Forecast:
        """As the forecaster does."""
        return self.forecaster.bounded(panel, origins, horizon, context)

    def stream(self, panel: Panel, series: int, start: int) -> Alone:
        """A stream that has seen rows `[0, start)` of one series.

        Raises:
            OptionError: training has not seen the series, so a table that ends elsewhere scales it otherwise.
        """
        if panel.ids[series] not in self.forecaster.fitted_.ids:
            raise OptionError("training has not seen this series, and a stream scales it by its first rows.")
        return Alone(self.forecaster, panel, series, start)
