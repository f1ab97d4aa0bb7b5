"""From a backtest of some series to its tally."""

import numpy as np
from jaxtyping import Float64, Int64

from gatecast.data.categories import unknown_counts
from gatecast.data.panel import Panel
from gatecast.data.partitions import name_hashes
from gatecast.evaluation.backtest import Backtest
from gatecast.evaluation.comparison import ENOUGH, longest_overlap
from gatecast.evaluation.results import Score
from gatecast.evaluation.scoring import odd_scales, scales_and_steps, score_forecast, score_steps, window_losses
from gatecast.forecast import origin_cutoffs
from gatecast.scale.tally import Facts, Tally

BY_VALUE = ("rmse", "mae", "smape", "pinball", "coverage", "interval_score")
BY_SERIES = ("mase", "msis")
BY_STEP = ("mase", "mae", "rmse", "coverage")


def tally_of(result: Backtest, season: int, start: Int64[np.ndarray, " series"], facts: Facts) -> Tally:
    """What a backtest adds to the scores.

    Args:
        result: of whole series, the net first.
        season: rows of one season in the scores.
        start: MASE is scaled by the rows before.
        facts: those that do not come from the result.
    """
    panel, origins = result.panel, result.origins
    scale, used = scales_and_steps(panel, season, start)
    losses = np.stack([window_losses(result.actual, said, scale) for said in result.forecasts.values()])
    cutoffs, place = np.unique(origin_cutoffs(panel, origins).astype(np.int64), return_inverse=True)
    _, series = np.unique(origins.series, return_inverse=True)
    windows = np.bincount(series)
    return Tally(
        facts=Facts(
            models=tuple(result.forecasts),
            windows=len(origins),
            left_out=facts.left_out,
            room=facts.room,
            most=int(windows.max()),
            overlap=longest_overlap(origins, result.horizon),
            unknown=facts.unknown,
            odd=odd_scales(panel, season, used),
        ),
        names=name_hashes(panel.ids),
        sums=_sums(result, scale),
        cutoffs=cutoffs,
        cutoff_windows=np.bincount(place),
        cutoff_losses=np.stack([np.bincount(place, weights=loss) for loss in losses]),
        series_losses=np.stack([np.bincount(series, weights=loss) / windows for loss in losses]),
        window_losses=losses if len(windows) < ENOUGH else losses[:, :0],
    )


def unscored(panel: Panel, left_out: int, room: int) -> Facts:
    """What is known of a part before any window is scored."""
    return Facts(left_out=left_out, room=room, unknown=unknown_counts(panel))


def _sums(result: Backtest, scale: Float64[np.ndarray, "series targets"]) -> dict[str, np.ndarray]:
    """Every score times what it is a mean over, and these counts."""
    said = list(result.forecasts.items())
    values, columns = _counts(result)
    scores = [score_forecast(name, result.actual, forecast, scale) for name, forecast in said]
    steps = [score_steps(result.actual, forecast, scale) for _, forecast in said]
    sums = {"values": values, "columns": columns}
    for name in (*BY_VALUE, *BY_SERIES):
        count = columns[-1] if name in BY_SERIES else values.sum()
        sums[name] = np.array([_or_nan(getattr(score, name)) for score in scores]) ** _power(name) * count
    for name in BY_STEP:
        count = columns[:-1] if name in BY_SERIES else values
        mean = np.array([step.get(name, np.full(len(count), np.nan)) for step in steps]) ** _power(name)
        sums[f"steps.{name}"] = np.where(count > 0, mean, 0.0) * count
    levels = max((score.below or {} for score in scores), key=len)
    sums["below"] = np.array([_below(score, list(levels)) for score in scores]).reshape(len(said), -1) * values.sum()
    return sums


def _power(name: str) -> int:
    """What a mean is raised to before means can be added."""
    return 2 if name == "rmse" else 1


def _or_nan(value: float | None) -> float:
    return np.nan if value is None else value


def _below(score: Score, levels: list[str]) -> list[float]:
    return [(score.below or {}).get(level, np.nan) for level in levels]


def _counts(result: Backtest) -> tuple[Float64[np.ndarray, " steps"], Float64[np.ndarray, " steps_and_all"]]:
    """Observed values at each step; and series' targets with any, at each step and, at the end, at all of them."""
    seen = np.isfinite(result.actual)
    _, first = np.unique(result.origins.series, return_index=True)
    columns = np.logical_or.reduceat(seen, first, axis=0)  # windows of one series lie side by side
    by_step = columns.sum(axis=(0, 2)).tolist()
    return seen.sum(axis=(0, 2)).astype(np.float64), np.array([*by_step, columns.any(axis=1).sum()], dtype=np.float64)
