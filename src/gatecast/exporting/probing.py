"""Whether an export says what gatecast says: rows that are made up, and what a stream forecasts after them.

The stream is the one of `gatecast.streaming` with intervals as calibrated; batches of it have the bits of `predict`.
A difference is that of forecasts, point and quantiles, in the unit that each target was scaled by in training, relative
where the scaled forecast is larger than 1: nets compute in float32, whose rounding grows with the number.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Float64, Int64

from gatecast.errors import ArtifactError
from gatecast.evaluation.calibration import Calibration
from gatecast.forecaster import RecurrentForecaster
from gatecast.models.distributions import COUNTS
from gatecast.streaming import ForecastStream, StreamOptions
from gatecast.streaming.intake import Arrivals

MOST_DIFFERENCE = 1e-6
MISSING = 0.07  # of the values
MOST_ROWS = 400
BEGINNING = np.datetime64("2021-03-01T00:00", "us")


class Probe(NamedTuple):
    """Made rows of some series.

    Attributes:
        series: the number of each among those trained.
        times: of the rows, as a stream counts them, and of one horizon more.
        values: NaN where missing; codes of words.
        static: static covariates, in the units of the data.
        future: covariates known in advance, over the horizon.
    """

    series: Int64[np.ndarray, " batch"]
    times: Int64[np.ndarray, " rows_and_horizon"]
    values: Float32[np.ndarray, "batch rows channels"]
    static: Float32[np.ndarray, "batch static"]
    future: Float32[np.ndarray, "batch horizon futures"]

    @property
    def rows(self) -> int:
        """How many."""
        return self.values.shape[1]


class Told(NamedTuple):
    """Forecasts after some row: (batch, horizon, targets), and the same for each level."""

    mean: Float64[np.ndarray, "batch horizon targets"]
    quantiles: Float64[np.ndarray, "batch horizon targets levels"]


def probe(forecaster: RecurrentForecaster, batch: int, rows: int) -> Probe:
    """Rows that wander about the scaling of their series, a few of them missing; a function of its arguments."""
    fitted, horizon = forecaster.fitted_, forecaster.config.horizon
    columns, rng = fitted.columns, np.random.default_rng((batch, rows))
    series = np.arange(batch) % len(fitted.ids)
    steps = rows + horizon
    walk = 0.3 * rng.normal(size=(batch, steps, len(columns.channels))).cumsum(axis=1)
    wave = np.sin(np.arange(steps) / 3)[:, None] + rng.normal(size=walk.shape) / 3
    scaled = wave + walk / (1 + np.sqrt(np.arange(steps)) / 10)[:, None]
    centre, scale = fitted.scaling.centre[series, None], fitted.scaling.scale[series, None]
    values = centre + scale * scaled
    if forecaster.config.network.loss in COUNTS:
        values[..., : len(columns.target)] = np.floor(3 * np.abs(scaled[..., : len(columns.target)]))
    for place, name in enumerate(columns.channels):
        if name in columns.categories:
            values[..., place] = rng.integers(0, columns.levels[name], size=values.shape[:2])
    first_future = len(columns.channels) - len(columns.future)
    future = values[:, rows:, first_future:].copy()
    values[rng.random(values.shape) < MISSING] = np.nan
    values[:, rows // 2] = np.nan
    values[:, 0] = np.where(np.isnan(values[:, 0]), centre[:, 0], values[:, 0])
    static = rng.normal(size=(batch, len(columns.static))) + fitted.static_scaling.centre
    for place, name in enumerate(columns.static):
        if name in columns.categories:
            static[:, place] = rng.integers(0, columns.levels[name], size=batch)
    before = BEGINNING if columns.time is not None else -1
    times = fitted.frequency.steps_from(before, steps).astype(np.int64)
    single = (each.astype(np.float32) for each in (values[:, :rows], static, future))
    return Probe(series, times, *single)


def told_by_gatecast(
    forecaster: RecurrentForecaster, calibration: Calibration | None, made: Probe, after: list[int]
) -> list[Told]:
    """What streams forecast after so many of the rows: a stream for each member of the batch.

    Raises:
        InputError: a forecast is no number.
    """
    told: list[list[Told]] = [[] for _ in after]
    for member, number in enumerate(made.series.tolist()):
        name = forecaster.fitted_.ids[number]
        stream = ForecastStream(forecaster, calibration, StreamOptions(intervals="fixed"))
        stream.add(name, made.static[member])
        first = 0
        for place, end in enumerate(after):
            intake = stream.intake()
            own = made.values[member, first:end]
            intake.add(Arrivals([name] * len(own), made.times[first:end].tolist(), own.copy()))
            stream.take(intake)
            first = end
            found = stream.forecast_told(name, stream.horizon, made.future[member].astype(np.float64))
            told[place].append(Told(found.mean, found.quantiles))
    return [Told(*(np.concatenate(parts) for parts in zip(*each, strict=True))) for each in told]


def difference(forecaster: RecurrentForecaster, made: Probe, ours: Told, theirs: Told) -> float:
    """The largest difference of two forecasts; infinite where one is no number."""
    scaling, targets = forecaster.fitted_.scaling, ours.mean.shape[2]
    centre, scale = (part[made.series, None, :targets, None] for part in (scaling.centre, scaling.scale))
    worst = 0.0
    for one, two in zip(ours, theirs, strict=True):
        own, other = (each if each.ndim == 4 else each[..., None] for each in (one, two))
        if own.shape != other.shape or not (np.isfinite(own) & np.isfinite(other)).all():
            return float("inf")
        size = np.maximum(np.abs((own - centre) / scale), 1.0)
        worst = max(worst, float((np.abs(own - other) / scale / size).max(initial=0.0)))
    return worst


def lengths(forecaster: RecurrentForecaster) -> tuple[int, int]:
    """Rows of a short probe, and of one that has filled the lookback and a season."""
    config = forecaster.config
    return 17, min(max(40, config.lookback + 9, config.season + 9), MOST_ROWS)


def check_same(what: str, worst: float) -> float:
    """Refuse an export that says something else.

    Raises:
        ArtifactError: it does; nothing is written.
    """
    if worst > MOST_DIFFERENCE:
        raise ArtifactError(
            f"{what} differs from the model by {worst:.2g} of the scaled values, and at most {MOST_DIFFERENCE:g} is "
            f"rounding: nothing was written. A state that nothing bounds (cell=rnn or indrnn with relu) lets rounding "
            f"grow; train with cell=gru, or serve the model."
        )
    return worst
