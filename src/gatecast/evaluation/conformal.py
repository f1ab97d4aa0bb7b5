"""Quantiles that hold what they promise: each is moved until the share of past actuals below it is its level.

Split conformal prediction (Vovk, Gammerman & Shafer 2005) of quantile forecasts (Romano, Patterson & Candes 2019, with
an offset of its own for each level, their Theorem 2), apart for each step of the horizon (Stankeviciute, Alaa & van der
Schaar 2021): on windows that the forecaster did not learn from, the residuals (y - Q_q) / unit of level q at step h are
sorted, and the offset is the one of rank floor((n + 1) q) below the median and ceil((n + 1) q) above it.  The next
actual then lies below Q_q + offset * unit with the probability rank / (n + 1), if it is exchangeable with the n before.

What that "if" costs here.  Windows of one series that overlap are dependent, and so are neighbouring ones: n of them
tell less than n independent ones, and coverage swings more around its level from one test part to the next.  Windows
that chose the best weights look slightly too good.  And a series that changes after its validation part is not
exchangeable with it: `gatecast.evaluation.adaptive` follows such changes.
"""

from math import ceil, floor

import numpy as np
from jaxtyping import Float64

from gatecast.errors import InputError, OptionError
from gatecast.evaluation.calibration import (
    Calibration,
    Unit,
    Values,
    base_quantiles,
    check_levels,
    check_scale,
    units,
)
from gatecast.forecast import Forecast


def calibrate(
    forecast: Forecast,
    actual: Values,
    scale: Float64[np.ndarray, "windows targets"],
    *,
    levels: tuple[float, ...] | None = None,
    unit: Unit = "width",
    move_median: bool = False,
) -> Calibration:
    """Find the offsets under which the share of the actuals below each quantile is its level.

    A level q needs n >= 1 / min(q, 1 - q) - 1 residuals.  Where a step has fewer, its neighbours' are taken too, as
    many on each side as it takes; where all steps together have fewer, the level cannot be attained and stands at the
    outermost residual.  Both are said in the notes.

    Args:
        forecast: from windows that the forecaster did not learn from, and that come before what is to be judged.
        actual: what came; NaN where missing.
        scale: the unit of each window where its forecast has no width, such as `past_scale`; above 0.
        levels: those to make around a point forecast; a quantile forecast brings its own.
        unit: see `Calibration`.
        move_median: move the median too, where it is seen to be off; a biased forecast keeps its bias else, and its
            interval reaches from there to where it must.

    Raises:
        OptionError: shapes, levels or scale do not fit the forecast.
        InputError: nothing was observed of a target.
    """
    levels = forecast.levels if levels is None else levels
    check_levels(levels)
    base = base_quantiles(forecast, levels)
    check_scale(scale, forecast)
    if actual.shape != forecast.mean.shape:
        raise OptionError(
            f"calibrating needs one actual for each value forecast, (windows, horizon, targets) = "
            f"{forecast.mean.shape}, got {actual.shape}."
        )
    residuals = (actual[..., None] - base) / units(base, scale, unit)[..., None]
    offsets = np.zeros(residuals.shape[1:])
    notes: list[str] = []
    for target, name in enumerate(forecast.targets):
        if not np.isfinite(residuals[:, :, target]).any():
            raise InputError(f"{name} was not observed in any of the {len(actual)} windows to calibrate on; take more.")
        for index, level in enumerate(levels):
            if level != 0.5 or move_median:
                offsets[:, target, index], note = _offsets(residuals[:, :, target, index], level)
                notes += [note] if note else []
    stored = tuple(tuple(map(tuple, step)) for step in offsets.tolist())
    return Calibration(levels, stored, unit, move_median, tuple(dict.fromkeys(notes)))


def residuals_needed(level: float) -> int:
    """How many exchangeable residuals it takes until the rank of a level lies among them."""
    return ceil(round(1 / min(level, 1 - level) - 1, 9))


def _offsets(residuals: Float64[np.ndarray, "windows horizon"], level: float) -> tuple[list[float], str]:
    """The offset of one level at each step, and what has to be said about it."""
    needed = residuals_needed(level)
    counts = np.isfinite(residuals).sum(axis=0)
    reach, fewest = _reach(counts, needed)
    near = [residuals[:, max(0, step - reach) : step + reach + 1] for step in range(len(counts))]
    offsets = [_ranked(values[np.isfinite(values)], level) for values in near]
    takes = f"the {level:g} quantile takes {needed:,} windows to calibrate, but"
    if fewest < needed:
        return offsets, f"{takes} {fewest:,} values were observed in all: it stands at the outermost of them."
    together = f"each was calibrated together with up to {reach:,} steps on either side."
    return offsets, f"{takes} some steps have {counts.min():,}: {together}" if reach else ""


def _reach(counts: np.ndarray, needed: int) -> tuple[int, int]:
    """How many neighbours on each side give every step enough residuals, and how many the poorest then has."""
    total = np.concatenate([[0], np.cumsum(counts)])
    steps = np.arange(len(counts))
    for reach in range(len(counts)):
        fewest = int((total[np.minimum(steps + reach + 1, len(counts))] - total[np.maximum(steps - reach, 0)]).min())
        if fewest >= needed:
            break
    return reach, fewest


def _ranked(residuals: Float64[np.ndarray, " some"], level: float) -> float:
    """The residual at the level's rank, which errs on the side of a wider interval; the middle for the median."""
    if level == 0.5:
        return float(np.median(residuals))
    rank = round((len(residuals) + 1) * level, 9)  # 10 * 0.7 is a little more than 7
    place = floor(rank) if level < 0.5 else ceil(rank)
    place = min(max(place, 1), len(residuals)) - 1
    return float(np.partition(residuals, place)[place])
