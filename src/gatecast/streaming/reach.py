"""Rows that a stream refuses because no net could compute with them, before anything moves."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float, Float64

from gatecast.data.reach import out_of_reach, too_far
from gatecast.errors import InputError
from gatecast.streaming.intake import Arrivals

Scale = tuple[Float64[np.ndarray, " channels"], Float64[np.ndarray, " channels"]]


def check_arrivals(arrivals: Arrivals, scale_of: Callable[[str], Scale | None], channels: Sequence[str]) -> None:
    """Refuse rows of which a value is out of reach.

    Args:
        arrivals: the rows.
        scale_of: the centre and the scale of a series' channels; None where it has none yet.
        channels: their names.

    Raises:
        InputError: a value is.
    """
    for name, raw in zip(arrivals.names, arrivals.raw, strict=True):
        _check(name, raw[None], scale_of(name), channels)


def check_ahead(
    name: str, ahead: Float64[np.ndarray, "horizon futures"], scale: Scale | None, futures: Sequence[str]
) -> None:
    """Refuse covariates known in advance of which a value is out of reach.

    Raises:
        InputError: a value is.
    """
    if futures and scale is not None:
        first = len(scale[0]) - len(futures)
        _check(name, ahead, (scale[0][first:], scale[1][first:]), futures)


def _check(name: str, values: Float[np.ndarray, "rows channels"], scale: Scale | None, channels: Sequence[str]) -> None:
    if scale is None:
        return
    for row, channel in np.argwhere(out_of_reach(values, *(part[None] for part in scale)))[:1].tolist():
        told = f'{channels[channel]} of series "{name}"'
        raise InputError(too_far(told, float(values[row, channel]), float(scale[1][channel])))
