"""Which values a net can compute with: float32 ends at 3.4e38, and errors are squared."""

import numpy as np
from jaxtyping import Bool, Float, Float64

from gatecast.data.calendar import show_time
from gatecast.data.panel import Panel
from gatecast.data.scalers import Scaling
from gatecast.errors import InputError

FARTHEST = 1e16  # scales from the centre: a million squares of it still have a sum in float32


def out_of_reach(
    values: Float[np.ndarray, "rows channels"],
    centre: Float64[np.ndarray, "#rows channels"],
    scale: Float64[np.ndarray, "#rows channels"],
) -> Bool[np.ndarray, "rows channels"]:
    """Which values are so far from those that their scale was fitted on that no net can compute with them.

    Missing and infinite values are not: a panel holds both for nothing observed.
    """
    return np.isfinite(values) & (np.abs(values.astype(np.float64) - centre) > FARTHEST * scale)


def surely_within(scaling: Scaling) -> float:
    """A size up to which no value is out of reach, whatever the series and the channel."""
    return float((FARTHEST * scaling.scale - np.abs(scaling.centre)).min(initial=np.inf))


def reaching(scaling: Scaling, values: Float[np.ndarray, "rows channels"]) -> Scaling:
    """The scaling of one series, coarser where one of its own rows would be out of reach."""
    away = np.abs(np.where(np.isfinite(values), values.astype(np.float64) - scaling.centre, 0.0))
    return Scaling(scaling.centre, np.maximum(scaling.scale, away.max(axis=0, initial=0.0)[None] / FARTHEST))


def check_reach(panel: Panel, scaled: Float64[np.ndarray, "rows channels"], scaling: Scaling) -> None:
    """Refuse a table with a value out of reach, by its series, column and time.

    Raises:
        InputError: there is one.
    """
    far = (np.abs(scaled) > FARTHEST) & np.isfinite(panel.values)
    for row, channel in np.argwhere(far)[:1].tolist():
        series = int(np.searchsorted(panel.offsets, row, side="right")) - 1
        told = f'{panel.columns.channels[channel]} of series "{panel.ids[series]}" at {show_time(panel.times[row])}'
        raise InputError(too_far(told, float(panel.values[row, channel]), float(scaling.scale[series, channel])))


def too_far(told: str, value: float, scale: float) -> str:
    """What is said of a value out of reach."""
    return (
        f"{told} is {value:g}, more than {FARTHEST:g} times the scale of the rows that the net learnt from "
        f"({scale:.3g}), and no net can compute with that. Correct it, or leave it empty if it is missing. If it is "
        f"right, train on rows like it, with another scaler than none."
    )
