"""What a stream knows, as it goes over the wire."""

import math
from collections.abc import Sequence

import numpy as np

from gatecast.forecast import Forecast
from gatecast.server.wire import HistoryAnswer, SeriesForecast, SeriesSummary, Settled
from gatecast.streaming import ForecastStream, Recent, SeriesStatus

SPARK = 24  # values of a series at a glance


def forecasts_of(forecast: Forecast, stream: ForecastStream) -> list[SeriesForecast]:
    """One answer for each window and target."""
    written, several = stream.clock.written, len(forecast.targets) > 1
    cutoffs, times = forecast.cutoffs.astype(np.int64).tolist(), forecast.times.astype(np.int64).tolist()
    labels = [f"{level:g}" for level in forecast.levels]
    dated: dict[int, list[str | int]] = {}  # many series share their cutoffs
    answers = []
    for window, (name, cutoff) in enumerate(zip(forecast.ids, cutoffs, strict=True)):
        ds = dated.setdefault(cutoff, [])
        if not ds:
            ds += map(written, times[window])
        for place, target in enumerate(forecast.targets):
            spread = forecast.quantiles[window, :, place].T.tolist()
            answers.append(
                SeriesForecast(
                    series=name,
                    cutoff=written(cutoff),
                    ds=ds,
                    mean=forecast.mean[window, :, place].tolist(),
                    quantiles=dict(zip(labels, spread, strict=True)),
                    target=target if several else "",
                )
            )
    return answers


def summaries_of(stream: ForecastStream, names: Sequence[str]) -> list[SeriesSummary]:
    """Series at a glance."""
    return [_summary(stream, status, stream.values(status.series, SPARK)) for status in stream.statuses(names)]


def history_of(stream: ForecastStream, name: str, rows: int, gates: dict[str, float]) -> HistoryAnswer:
    """The newest rows of a series, and what had been said of them."""
    recent, status = stream.recent(name, rows), stream.status(name)
    levels = stream.levels
    return HistoryAnswer(
        summary=_summary(stream, status, stream.values(name, SPARK)),
        ds=_written(stream, recent.times),
        y=nullable(recent.y),
        settled=_settled(stream, recent),
        interval=round(levels[-1] - levels[0], 10) if len(levels) > 1 else None,
        gates=gates,
    )


def nullable(values: np.ndarray) -> list[float | None]:
    """Numbers with null for what is missing."""
    return [value if math.isfinite(value) else None for value in values.tolist()]


def one_or_null(value: float) -> float | None:
    """A number, or null if it is none."""
    return value if math.isfinite(value) else None


def _summary(stream: ForecastStream, status: SeriesStatus, recent: np.ndarray) -> SeriesSummary:
    return SeriesSummary(
        series=status.series,
        rows=status.rows,
        ds=None if status.last is None else stream.clock.written(int(np.asarray(status.last).astype(np.int64))),
        y=one_or_null(status.y),
        recent=nullable(recent),
        error=one_or_null(status.error),
        mean_error=one_or_null(status.mean_error),
        coverage=one_or_null(status.coverage),
        alarm=status.alarm,
        unit=one_or_null(status.unit),
    )


def _settled(stream: ForecastStream, recent: Recent) -> Settled:
    """The rows that something had been said of."""
    known = np.isfinite(recent.median)
    parts = (nullable(part[known]) for part in (recent.y, recent.low, recent.median, recent.high))
    return Settled(_written(stream, recent.times[known]), *parts)


def _written(stream: ForecastStream, times: np.ndarray) -> list[str | int]:
    return [stream.clock.written(time) for time in times.astype(np.int64).tolist()]
