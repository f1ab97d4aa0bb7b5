"""Between the scaled values that a net speaks of and the units of the data."""

import numpy as np
from jaxtyping import Float, Float64, Int64

from gatecast.data.panel import Panel
from gatecast.data.scalers import Scaling
from gatecast.data.splits import Origins, Split
from gatecast.evaluation.scoring import mase_scales
from gatecast.forecast import Forecast, checked, make_forecast
from gatecast.training.workers import BY_ITSELF, Workers

MOST_WEIGHT = 10.0  # of a series in the loss, in medians


def loss_weights(
    season: int | None, panel: Panel, split: Split, scaling: Scaling, workers: Workers = BY_ITSELF
) -> Float[np.ndarray, "series targets"] | None:
    """What turns errors of scaled values into errors in units of each series' seasonal error; None without a season.

    At most ten times the median over all series, so that no series that hardly moves takes over.
    """
    if season is None:
        return None
    seasonal, _ = mase_scales(panel, season, split.train_end)
    weight = scaling.scale[:, : seasonal.shape[1]] / seasonal
    return np.minimum(weight, MOST_WEIGHT * np.median(workers.joined(weight)))


def on_original_scale(
    panel: Panel,
    origins: Origins,
    output: Float[np.ndarray, "windows horizon targets levels"],
    scaling: Scaling,
    levels: tuple[float, ...],
) -> Forecast:
    """The forecast that a net's output says in the units of the data.

    Raises:
        InputError: it is no number.
    """
    mean, quantiles = in_units(output, targets_of(scaling, output.shape[2]), origins.series, levels)
    return checked(make_forecast(panel, origins, mean, levels, quantiles if levels else None))


def in_units(
    output: Float[np.ndarray, "windows horizon targets levels"],
    own: Scaling,
    series: Int64[np.ndarray, " windows"],
    levels: tuple[float, ...],
) -> tuple[Float64[np.ndarray, "windows horizon targets"], Float64[np.ndarray, "windows horizon targets quantiles"]]:
    """Undo the scaling: the point forecast, which is the median where quantiles were trained, and the quantiles.

    Quantiles are sorted at each step, which can only bring them closer to the truth (Chernozhukov et al. 2010).

    Args:
        output: of the net; one level where it says a point.
        own: the scaling of the targets.
        series: of each window.
        levels: the quantile levels; none of a point.
    """
    spread = np.moveaxis(np.sort(output.astype(np.float64), axis=-1), -1, 1)  # (W, levels, H, targets)
    values = np.moveaxis(own.inverse(spread, series.reshape(-1, 1, 1)), 1, -1)
    if not levels:
        return values[..., 0], np.empty((*values.shape[:-1], 0))
    return values[..., levels.index(0.5)], values


def targets_of(scaling: Scaling, targets: int) -> Scaling:
    """The numbers of the targets alone."""
    return Scaling(scaling.centre[:, :targets], scaling.scale[:, :targets])


def beside(origins: Origins, axes: int) -> np.ndarray:
    """The series of each window, to lie beside arrays with so many more axes before the targets."""
    return origins.series.reshape(-1, *[1] * axes)
