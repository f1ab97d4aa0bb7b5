"""From the tally of everything to the same Metrics that a backtest of the whole table has."""

from collections.abc import Sequence

import numpy as np

from gatecast.data.categories import unknown_notes
from gatecast.evaluation.backtest import left_out_notes
from gatecast.evaluation.comparison import Comparison, Paired, compare_paired
from gatecast.evaluation.results import Metrics, Score
from gatecast.evaluation.scoring import scale_notes
from gatecast.evaluation.verdict import best_and_reference, judge
from gatecast.scale.tally import Tally
from gatecast.scale.tallying import BY_SERIES, BY_STEP
from gatecast.workflow.model import Model


def metrics_of(tally: Tally, model: Model, notes: Sequence[str]) -> Metrics:
    """The scores, and the verdict on the net.

    Args:
        tally: of all partitions.
        model: the model that was judged.
        notes: sentences about the baselines.
    """
    facts, season = tally.facts, model.season
    levels = model.forecaster.config.network.levels if model.calibration is None else model.calibration.levels
    scores = tuple(_score(tally, number, name, levels) for number, name in enumerate(facts.models))
    names = best_and_reference(scores, model.name, season)
    dated = model.forecaster.fitted_.columns.time is not None
    comparisons = {name: _compared(tally, facts.models.index(name), dated=dated) for name in names}
    verdict = judge(scores, model.name, season, comparisons, facts.windows)
    every = (
        *notes,
        *unknown_notes(facts.unknown),
        *(model.calibration.notes if model.calibration is not None else ()),
        *left_out_notes(facts.left_out, facts.windows + facts.left_out),
        *scale_notes(facts.odd, season),
    )
    by_step = {name: _steps(tally, number) for number, name in enumerate(facts.models)}
    return Metrics(season, model.horizon, facts.windows, scores, by_step, verdict, every)


def _score(tally: Tally, number: int, name: str, levels: Sequence[float]) -> Score:
    sums, values, columns = tally.sums, tally.sums["values"].sum(), tally.sums["columns"][-1]

    def mean(score: str) -> float:
        return float(sums[score][number] / (columns if score in BY_SERIES else values))

    def maybe(score: str) -> float | None:
        return None if np.isnan(sums[score][number]) else mean(score)

    shares = {f"q{level:g}": float(s / values) for level, s in zip(levels, sums["below"][number], strict=False)}
    return Score(
        model=name,
        mase=mean("mase"),
        rmse=float(np.sqrt(mean("rmse"))),
        mae=mean("mae"),
        smape=mean("smape"),
        pinball=maybe("pinball"),
        coverage=maybe("coverage"),
        interval_score=maybe("interval_score"),
        msis=maybe("msis"),
        below=shares if shares and not np.isnan(sums["below"][number]).any() else None,
    )


def _steps(tally: Tally, number: int) -> dict[str, tuple[float, ...]]:
    """Errors at each step; NaN where nothing was observed there."""
    found = {}
    for name in BY_STEP:
        count = tally.sums["columns"][:-1] if name in BY_SERIES else tally.sums["values"]
        with np.errstate(invalid="ignore"):
            mean = tally.sums[f"steps.{name}"][number] / count
        if not np.isnan(mean[count > 0]).any():
            found[name] = tuple((np.sqrt(mean) if name == "rmse" else mean).tolist())
    return found


def _compared(tally: Tally, other: int, *, dated: bool) -> Comparison:
    """The net against another forecaster."""
    by_cutoff = tally.cutoff_losses / tally.cutoff_windows
    difference = tally.cutoff_losses[0].sum() - tally.cutoff_losses[other].sum()
    return compare_paired(
        Paired(
            mean=float(difference / tally.facts.windows),
            one_clock=dated or tally.series_losses.shape[1] == 1,
            first=by_cutoff[0],
            second=by_cutoff[other],
            series=tally.series_losses[0] - tally.series_losses[other],
            windows=tally.window_losses[0] - tally.window_losses[other],
            overlap=tally.facts.overlap,
        )
    )
