"""Calibration: how far each quantile of a forecast moves, and how to move it without a crossing."""

from dataclasses import replace
from typing import Literal, final

import numpy as np
from jaxtyping import Float64
from msgspec import Struct

from gatecast.data.panel import Panel
from gatecast.data.splits import Origins
from gatecast.errors import OptionError
from gatecast.forecast import Forecast, Forecaster

Unit = Literal["width", "series"]
Values = Float64[np.ndarray, "windows horizon targets"]
Quantiles = Float64[np.ndarray, "windows horizon targets levels"]


class Calibration(Struct, frozen=True, forbid_unknown_fields=True):
    """How far each quantile moves, at each step of the horizon.

    Attributes:
        levels: the quantile levels, ascending.
        offsets: by step, target and level, in units; 0 at the median unless it was asked to move.
        unit: `width`, the distance between the forecast's own outermost quantiles (wide intervals move far), or
            `series`, a number for each window and target.  A forecast without width is always in units of `series`.
        move_median: whether the median, and the point forecast with it, moves too.
        notes: where windows were too few, in words.
    """

    levels: tuple[float, ...]
    offsets: tuple[tuple[tuple[float, ...], ...], ...]
    unit: Unit = "width"
    move_median: bool = False
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_levels(self.levels)
        targets = len(self.offsets[0]) if self.offsets else 0
        shapely = all(len(step) == targets and all(len(t) == len(self.levels) for t in step) for step in self.offsets)
        if not targets or not shapely or not np.isfinite(self.array).all():
            raise OptionError(
                f"a calibration needs one finite offset for each step, target and level ({len(self.levels)} levels)."
            )

    @property
    def array(self) -> Float64[np.ndarray, "horizon targets levels"]:
        """The offsets."""
        return np.asarray(self.offsets, dtype=np.float64)

    def apply(self, forecast: Forecast, scale: Float64[np.ndarray, "windows targets"]) -> Forecast:
        """The forecast with its quantiles moved; they never cross, and without `move_median` the median stands.

        A point forecast becomes its own median and gets the other levels around it.

        Args:
            forecast: from the forecaster that was calibrated, or one like it.
            scale: the unit of each window where its forecast has no width, such as `past_scale`; above 0.

        Raises:
            OptionError: other levels, more steps or other targets than were calibrated, or a scale that does not fit.
        """
        base = self.base(forecast, scale)
        steps = forecast.mean.shape[1]
        return in_order(forecast, base + units(base, scale, self.unit)[..., None] * self.array[:steps], self.levels)

    def base(self, forecast: Forecast, scale: Float64[np.ndarray, "windows targets"]) -> Quantiles:
        """The quantiles that the offsets are added to, once it is checked that they fit."""
        base = base_quantiles(forecast, self.levels)
        _, steps, targets, _ = base.shape
        if steps > len(self.offsets) or targets != len(self.offsets[0]):
            raise OptionError(
                f"calibrated were {len(self.offsets)} steps of {len(self.offsets[0])} targets, but the forecast has "
                f"{steps} steps of {targets}. Calibrate the forecaster that makes it."
            )
        check_scale(scale, forecast)
        return base


@final
class Calibrated:
    """A forecaster whose quantiles are moved; it reads what that forecaster reads, and the past of each origin."""

    def __init__(self, forecaster: Forecaster, calibration: Calibration) -> None:
        self.forecaster = forecaster
        self.calibration = calibration

    @property
    def name(self) -> str:
        """The name of the forecaster within."""
        return self.forecaster.name

    def forecast(self, panel: Panel, origins: Origins, horizon: int) -> Forecast:
        """Forecast `horizon` rows from each origin, with calibrated quantiles."""
        return self.calibration.apply(self.forecaster.forecast(panel, origins, horizon), past_scale(panel, origins))


def past_scale(panel: Panel, origins: Origins) -> Float64[np.ndarray, "windows targets"]:
    """The mean absolute change from row to row among what each origin knows; 1 where nothing changed in it."""
    scale = np.ones((len(origins), len(panel.columns.target)))
    for series, mine in origins.by_series():
        position = origins.position[mine]
        change = np.abs(np.diff(panel.targets[panel.rows(series)][: position.max()].astype(np.float64), axis=0))
        none = np.zeros((1, scale.shape[1]))
        total = np.concatenate([none, np.cumsum(np.nan_to_num(change), axis=0)])[position - 1]
        count = np.concatenate([none, np.cumsum(np.isfinite(change), axis=0)])[position - 1]
        scale[mine] = np.where(total > 0, total / np.maximum(count, 1), 1.0)
    return scale


def base_quantiles(forecast: Forecast, levels: tuple[float, ...]) -> Quantiles:
    """The quantiles of a forecast; a point forecast stands for each of its levels."""
    if forecast.levels and forecast.levels != levels:
        raise OptionError(
            f"asked were the levels {_said(levels)}, but the forecast has {_said(forecast.levels)}. Calibrate the "
            f"forecaster that makes it."
        )
    if forecast.levels:
        return forecast.quantiles
    return np.repeat(forecast.mean[..., None], len(levels), axis=-1)


def units(base: Quantiles, scale: Float64[np.ndarray, "windows targets"], unit: Unit) -> Values:
    """The length of one unit at each window, step and target; the scale where the forecast has no width."""
    width = base[..., -1] - base[..., 0]
    own = np.broadcast_to(scale[:, None], width.shape)
    return np.where(width > 0, width, own) if unit == "width" else own


def in_order(forecast: Forecast, quantiles: Quantiles, levels: tuple[float, ...]) -> Forecast:
    """A forecast with new quantiles, put in order on each side of the median, which stays where it is given.

    Sorting can only bring quantiles closer to the truth (Chernozhukov, Fernandez-Val & Galichon 2010), and a quantile
    that would cross the median stops there, which can only widen the interval.  The mean moves as the median does.
    """
    if 0.5 not in levels:
        return replace(forecast, levels=levels, quantiles=np.sort(quantiles, axis=-1))
    middle = levels.index(0.5)
    median = quantiles[..., middle, None]
    below = np.sort(np.minimum(quantiles[..., :middle], median), axis=-1)
    above = np.sort(np.maximum(quantiles[..., middle + 1 :], median), axis=-1)
    before = base_quantiles(forecast, levels)[..., middle]
    mean = forecast.mean + (median[..., 0] - before)
    return replace(forecast, mean=mean, levels=levels, quantiles=np.concatenate([below, median, above], axis=-1))


def check_levels(levels: tuple[float, ...]) -> None:
    """Refuse levels that are none."""
    if not levels or list(levels) != sorted(set(levels)) or not all(0 < level < 1 for level in levels):
        raise OptionError(
            f"levels are ascending and between 0 and 1, such as 0.1 0.5 0.9; got {_said(levels)}. A point forecast has "
            f"none of its own: give levels=."
        )


def check_scale(scale: Float64[np.ndarray, "windows targets"], forecast: Forecast) -> None:
    """Refuse a scale that does not fit the forecast."""
    windows, _, targets = forecast.mean.shape
    if scale.shape != (windows, targets) or not (np.isfinite(scale) & (scale > 0)).all():
        raise OptionError(
            f"scale is one finite number above 0 for each window and target, ({windows}, {targets}), "
            f"got {scale.shape}; `past_scale` makes one."
        )


def _said(levels: tuple[float, ...]) -> str:
    return " ".join(f"{level:g}" for level in levels) or "none"
