"""What an inspection finds, as values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float, Int64


@final
@dataclass(frozen=True, eq=False)
class LayerGates:
    """What one layer did at each update of its state.

    Attributes:
        name: `l0`, `l0_reverse`, `l1`, ..., as the ends of the layer's weights' names.
        gates: each gate by its letter.
        ranges: the closed range of each gate.
        output: what the layer put out.
    """

    name: str
    gates: Mapping[str, Float[np.ndarray, "updates units"]]
    ranges: Mapping[str, tuple[float, float]]
    output: Float[np.ndarray, "updates units"]


@final
@dataclass(frozen=True)
class GateSummary:
    """How one gate of one layer was used.

    Attributes:
        layer: its name.
        gate: its letter.
        mean: over updates and units.
        low: share of its values within a tenth of its range from the low end.
        high: likewise from the high end.
    """

    layer: str
    gate: str
    mean: float
    low: float
    high: float


@final
@dataclass(frozen=True)
class UnitTimescale:
    """How long one unit remembers: updates until e^-1 of its state is left.

    Attributes:
        layer: its name.
        unit: its number.
        timescale: in updates of the state.
    """

    layer: str
    unit: int
    timescale: float


@final
@dataclass(frozen=True, eq=False)
class Memory:
    """How far back a forecast depends on what came in: |d forecast / d input| by lag.

    Attributes:
        weights: at lag 0 (the newest row), 1, 2, ...; the mean over cutoffs and steps of the horizon, all inputs
            together.
        by_step: the same for some steps of the horizon.
        steps: which (1 is the first).
        by_input: the same for each input, over all steps; rows in the order of `inputs`.
        inputs: their names.
    """

    weights: Float[np.ndarray, " lags"]
    by_step: Float[np.ndarray, "steps lags"]
    steps: Int64[np.ndarray, " steps"]
    by_input: Float[np.ndarray, "inputs lags"]
    inputs: tuple[str, ...]

    def lag_of(self, share: float) -> int:
        """The lag by which this share of all weight is reached; 0 where nothing has weight."""
        total = np.cumsum(self.weights)
        return int(np.argmax(total >= share * total[-1]))

    @property
    def lag_90(self) -> int:
        """The lag by which 90 % of the weight is reached."""
        return self.lag_of(0.9)


@final
@dataclass(frozen=True, eq=False)
class GradientFlow:
    """How much of the loss at a cutoff is told to states further back.

    Attributes:
        norms: |d loss / d state| `k` updates before the cutoff, for k = 0, 1, ...
        spectral_radius: the largest modulus of an eigenvalue of the step's Jacobian, at some updates.
        singular_value: its largest singular value, at the same ones.
    """

    norms: Float[np.ndarray, " lags"]
    spectral_radius: Float[np.ndarray, " sampled"]
    singular_value: Float[np.ndarray, " sampled"]


@final
@dataclass(frozen=True, eq=False)
class StatePath:
    """The states in the plane in which they move most.

    Attributes:
        points: the two principal components.
        explained: the share of the variance that each shows.
    """

    points: Float[np.ndarray, "updates two"]
    explained: tuple[float, float]


@final
@dataclass(frozen=True)
class Importance:
    """How much worse a forecast gets when one covariate is shuffled.

    Attributes:
        covariate: its name.
        increase: of the mean absolute error, as a share of it: 0.1 is 10 % worse.
        spread: the standard deviation of `increase` over the shuffles.
    """

    covariate: str
    increase: float
    spread: float

    @property
    def matters(self) -> bool:
        """Whether shuffling makes the error larger by more than the shuffles differ."""
        return self.increase > self.spread


@final
@dataclass(frozen=True, eq=False)
class Ahead:
    """Forecasts of the first target from the newest updates, each as it was made when that update was the newest.

    Attributes:
        times: of the rows that are forecast, datetime64 or row numbers; (updates, horizon).
        values: the point forecasts, on the original scale; NaN where what they read in advance is not known.
    """

    times: np.ndarray
    values: Float[np.ndarray, "updates horizon"]


@final
@dataclass(frozen=True, eq=False)
class Inspection:
    """Inside a net, on one series.

    Attributes:
        name: the cell's name.
        series: the series that was read.
        targets: the columns it forecasts.
        step: what one row is, in words, such as `hourly`.
        rows: rows of the table that an update of the state reads.
        times: of the newest row of each update, datetime64 or row numbers.
        values: the first target at these rows.
        layers: the gates of each layer.
        timescales: of each unit.
        memory: how far back forecasts look.
        gradients: how far back the loss reaches.
        states: the path of the top layer's output.
        importance: of each covariate, the most important first; empty where there is none.
        advice: what to do about what was found, in words.
        ahead: forecasts from the newest updates; None where they were not asked for.
    """

    name: str
    series: str
    targets: tuple[str, ...]
    step: str
    rows: int
    times: np.ndarray
    values: Float[np.ndarray, " updates"]
    layers: tuple[LayerGates, ...]
    timescales: tuple[UnitTimescale, ...]
    memory: Memory
    gradients: GradientFlow
    states: StatePath
    importance: tuple[Importance, ...]
    advice: tuple[str, ...]
    ahead: Ahead | None = None

    def __repr__(self) -> str:
        from gatecast.inspection.card import inspection_card  # noqa: PLC0415 - only where it is shown

        return inspection_card(self).text()

    def _repr_html_(self) -> str:
        from gatecast.inspection.card import inspection_card  # noqa: PLC0415

        return inspection_card(self).html()
