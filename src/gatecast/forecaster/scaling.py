"""Between the scaled values that a net speaks of and the units of the data."""

import numpy as np
from jaxtyping import Float

from gatecast.data.panel import Panel
from gatecast.data.scalers import Scaling
from gatecast.data.splits import Origins, Split
from gatecast.evaluation.scoring import mase_scales
from gatecast.forecast import Forecast, make_forecast

MOST_WEIGHT = 10.0  # of a series in the loss, in medians


def loss_weights(
    season: int | None, panel: Panel, split: Split, scaling: Scaling
) -> Float[np.ndarray, "series targets"] | None:
    """What turns errors of scaled values into errors in units of each series' seasonal error; None without a season.

    At most ten times the median, so that no series that hardly moves takes over.
    """
    if season is None:
        return None
    seasonal, _ = mase_scales(panel, season, split.train_end)
    weight = scaling.scale[:, : seasonal.shape[1]] / seasonal
    return np.minimum(weight, MOST_WEIGHT * np.median(weight))


def on_original_scale(
    panel: Panel,
    origins: Origins,
    output: Float[np.ndarray, "windows horizon targets levels"],
    scaling: Scaling,
    levels: tuple[float, ...],
) -> Forecast:
    """Undo the scaling.  The point forecast is the median where quantiles were trained.

    Quantiles are sorted at each step, which can only bring them closer to the truth (Chernozhukov et al. 2010).
    """
    own = targets_of(scaling, output.shape[2])
    spread = np.moveaxis(np.sort(output.astype(np.float64), axis=-1), -1, 1)  # (W, levels, H, targets)
    values = np.moveaxis(own.inverse(spread, beside(origins, 2)), 1, -1)
    if not levels:
        return make_forecast(panel, origins, values[..., 0])
    return make_forecast(panel, origins, values[..., levels.index(0.5)], levels, values)


def targets_of(scaling: Scaling, targets: int) -> Scaling:
    """The numbers of the targets alone."""
    return Scaling(scaling.centre[:, :targets], scaling.scale[:, :targets])


def beside(origins: Origins, axes: int) -> np.ndarray:
    """The series of each window, to lie beside arrays with so many more axes before the targets."""
    return origins.series.reshape(-1, *[1] * axes)
