"""Backtest: forecasts from many origins beside what came, and what they are worth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Float64, Int64

from gatecast.data.panel import Panel
from gatecast.data.splits import Origins
from gatecast.errors import InputError, OptionError
from gatecast.evaluation.comparison import compare
from gatecast.evaluation.duel import judge_duel
from gatecast.evaluation.results import Metrics
from gatecast.evaluation.scoring import mase_scales, score_forecast, score_steps, window_losses
from gatecast.evaluation.verdict import best_and_reference, judge
from gatecast.forecast import Forecast, Forecaster, origin_cutoffs


@dataclass(frozen=True, eq=False)
class Backtest:
    """What several forecasters said from the same origins, and what came.

    Attributes:
        panel: the table.
        origins: where the windows start; every window has at least one actual.
        horizon: rows in each window.
        actual: what came, NaN where missing.
        forecasts: by the name of the forecaster.
        notes: what was left out, in words.
    """

    panel: Panel
    origins: Origins
    horizon: int
    actual: Float64[np.ndarray, "windows horizon targets"]
    forecasts: Mapping[str, Forecast]
    notes: tuple[str, ...] = ()

    def to_frame(self) -> pl.DataFrame:
        """One row a model, window and step: `model, unique_id, cutoff, ds, y, mean, q0.1, ...`.

        With several targets a column `target` follows `unique_id`.  A missing actual is null, and so is a quantile
        that the model does not forecast.
        """
        y = pl.Series("y", self.actual.reshape(-1)).fill_nan(None)
        parts = [forecast.to_frame().with_columns(y, model=pl.lit(name)) for name, forecast in self.forecasts.items()]
        frame = pl.concat(parts, how="diagonal")
        known = ("model", "unique_id", "target", "cutoff", "ds", "y", "mean")
        quantiles = sorted((c for c in frame.columns if c not in known), key=lambda c: float(c[1:]))
        return frame.select(*(c for c in known if c in frame.columns), *quantiles)


def backtest(forecasters: Sequence[Forecaster], panel: Panel, origins: Origins, horizon: int) -> Backtest:
    """Let every forecaster, already fitted, forecast from the same origins.

    Windows in which nothing was observed are left out, with a note.

    Raises:
        InputError: no window holds an actual.
        OptionError: two forecasters share a name, or one returns other windows than asked for, NaN or infinity.
    """
    actual = actuals(panel, origins, horizon)
    seen = np.isfinite(actual).any(axis=(1, 2))
    if not seen.any():
        raise InputError(
            f"a backtest needs a window with at least one observed target, but none of the {len(seen)} windows has "
            f"one. Take earlier origins."
        )
    notes = left_out_notes(int((~seen).sum()), len(seen))
    origins = Origins(origins.series[seen], origins.position[seen])
    forecasts: dict[str, Forecast] = {}
    for forecaster in forecasters:
        if forecaster.name in forecasts:
            raise OptionError(f"forecasters need different names, but two are called {forecaster.name!r}. Rename one.")
        forecasts[forecaster.name] = forecaster.forecast(panel, origins, horizon)
        check_forecast(forecaster.name, forecasts[forecaster.name], panel, origins, horizon)
    return Backtest(panel, origins, horizon, actual[seen], forecasts, notes)


def left_out_notes(left_out: int, windows: int) -> tuple[str, ...]:
    """That windows were left out, if any were."""
    return (f"{left_out:,} of {windows:,} windows left out: nothing was observed in them.",) if left_out else ()


def actuals(panel: Panel, origins: Origins, horizon: int) -> Float64[np.ndarray, "windows horizon targets"]:
    """The targets of each window; NaN where missing and past the end of the series."""
    position = origins.position[:, None] + np.arange(horizon)
    inside = position < panel.lengths[origins.series][:, None]
    rows = np.where(inside, panel.offsets[origins.series][:, None] + position, 0)
    return np.where(inside[..., None], panel.targets[rows], np.nan).astype(np.float64)


def check_forecast(name: str, forecast: Forecast, panel: Panel, origins: Origins, horizon: int) -> None:
    """Refuse a forecast that cannot be scored.

    Raises:
        OptionError: it holds other windows than asked for, NaN or infinity.
    """
    asked = (len(origins), horizon, len(panel.columns.target))
    if forecast.mean.shape != asked or forecast.quantiles.shape != (*asked, len(forecast.levels)):
        raise OptionError(
            f"{name} was asked for (windows, horizon, targets) = {asked}, but returned a mean of {forecast.mean.shape} "
            f"and quantiles of {forecast.quantiles.shape} for {len(forecast.levels)} levels. Return one window for "
            f"each origin, in order."
        )
    cutoffs = origin_cutoffs(panel, origins)
    right = (forecast.series == origins.series) & (forecast.cutoffs == cutoffs)
    finite = np.isfinite(forecast.mean).all(axis=(1, 2)) & np.isfinite(forecast.quantiles).all(axis=(1, 2, 3))
    for window in np.flatnonzero(~right | ~finite)[:1]:
        where = f'window {window} (series "{panel.ids[origins.series[window]]}", cutoff {cutoffs[window]})'
        fault = "NaN or infinity" if right[window] else "another series or cutoff"
        raise OptionError(
            f"{name} returned {fault} in {where}; every origin needs its own finite forecast. Mend {name}."
        )


def score(
    backtest: Backtest,
    season: int,
    train_ends: Int64[np.ndarray, " series"],
    net: str,
    notes: Sequence[str] = (),
    nets: Sequence[str] = (),
) -> Metrics:
    """Every error of every forecaster, and the verdict on the net.

    Args:
        backtest: the forecasts and the actuals.
        season: rows in a season, for MASE and the verdict.
        train_ends: MASE is scaled by the seasonal error of rows `[0, train_ends[i])` of each series.
        net: the name of the forecaster that the verdict is about; it comes first.
        notes: sentences to add, such as those of `default_baselines`.
        nets: names of forecasters that are nets as well: scored, and compared with the one net, but no baselines.

    Raises:
        OptionError: the net, or any baseline beside it, was not backtested.
    """
    scale, scale_notes = mase_scales(backtest.panel, season, train_ends)
    names = sorted(backtest.forecasts, key=lambda name: name != net)
    scores = tuple(score_forecast(name, backtest.actual, backtest.forecasts[name], scale) for name in names)
    losses = {name: window_losses(backtest.actual, backtest.forecasts[name], scale) for name in names}
    cutoffs = origin_cutoffs(backtest.panel, backtest.origins)
    simple = [score for score in scores if score.model not in nets]
    comparisons = {
        name: compare(losses[net], losses[name], backtest.origins, cutoffs, backtest.horizon)
        for name in (*best_and_reference(simple, net, season), *nets)
    }
    windows, series = len(backtest.origins), len(np.unique(backtest.origins.series))
    verdict = judge(simple, net, season, comparisons, windows)
    duels = tuple(judge_duel(scores, net, name, comparisons[name], (windows, series)) for name in nets)
    by_step = {name: score_steps(backtest.actual, backtest.forecasts[name], scale) for name in names}
    notes = (*notes, *backtest.notes, *scale_notes)
    return Metrics(season, backtest.horizon, windows, scores, by_step, verdict, notes, duels)
