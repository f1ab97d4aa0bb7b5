"""What a run found, in sentences: the titles of the report's charts and of the pictures."""

from datetime import datetime
from math import isfinite
from typing import Literal

from gatecast.evaluation.results import Metrics
from gatecast.reporting.record import RunReport
from gatecast.reporting.rows import interval
from gatecast.reporting.scores import number
from gatecast.reporting.training import validation

Outcome = Literal["wins", "ties", "loses"]
BADGES: dict[Outcome, str] = {
    "wins": "✓ Better than the best simple method",
    "ties": "≈ Too close to call",
    "loses": "✗ Worse than a simple method",
}
CHANCE = 0.05


def outcome(metrics: Metrics) -> Outcome:
    """Whether the net wins, loses by more than chance, or neither."""
    verdict = metrics.verdict
    if verdict.beats_best_baseline:
        return "wins"
    return "loses" if verdict.skill < 0 and verdict.p_value < CHANCE else "ties"


def rivals(metrics: Metrics) -> list[str]:
    """The baselines that are always drawn: the best one and the seasonal naive (which may be the same)."""
    names = [metrics.verdict.best_baseline, "seasonal_naive"]
    scored = {score.model for score in metrics.scores}
    return [name for name in dict.fromkeys(names) if name in scored]


def forecast_finding(run: RunReport) -> str:
    """How far ahead the forecast looks and what its interval promises."""
    if run.forecast.is_empty():
        return "No forecast beyond the end of the data was made."
    start = moment(run.forecast["cutoff"].to_list()[-1])
    ends = interval(run.forecast)
    promise = f", with the interval that should hold {100 * ends.share:.3g} % of what comes" if ends else ""
    return f"The {run.metrics.horizon:,} steps after {start}{promise}."


def backtest_finding(run: RunReport) -> str:
    """`Mean absolute error over 10 windows: gru 0.9120, theta 1.040.`."""
    mae = {score.model: score.mae for score in run.metrics.scores}
    errors = ", ".join(f"{name} {number(mae[name])}" for name in [run.name, *rivals(run.metrics)])
    return f"Mean absolute error over {run.metrics.windows:,} window{'s' * (run.metrics.windows != 1)}: {errors}."


def step_finding(run: RunReport) -> str:
    """How the net's error grows from the first step ahead to the last."""
    errors = by_step(run.metrics, run.name)
    if len(errors) < 2:
        return "There is one step to score: the table of scores says it all."
    best = run.metrics.verdict.best_baseline
    wins = sum(net < other for net, other in zip(errors, by_step(run.metrics, best), strict=False))
    return (
        f"The MASE of {run.name} is {number(errors[0])} one step ahead and {number(errors[-1])} at step {len(errors)}; "
        f"lower than that of {best} at {wins} of {len(errors)} steps."
    )


def by_step(metrics: Metrics, model: str) -> tuple[float, ...]:
    """MASE at each step of the horizon."""
    return metrics.by_step.get(model, {}).get("mase", ())


def step_ceiling(run: RunReport) -> float:
    """The top of the chart by step: at most three times what the named lines need, so that no bad one flattens them."""
    drawn = {run.name, *rivals(run.metrics)}
    named = [error for name in drawn for error in by_step(run.metrics, name) if isfinite(error)]
    every = [error for name in run.metrics.by_step for error in by_step(run.metrics, name) if isfinite(error)]
    return 1.08 * min(max(every, default=1.0), 3 * max(named, default=1.0))


def step_note(run: RunReport) -> str:
    """Who the grey lines of the chart by step are, and who leaves it at the top."""
    others = [name for name in run.metrics.by_step if name not in (run.name, *rivals(run.metrics))]
    above = [name for name in others if max(by_step(run.metrics, name), default=0.0) > step_ceiling(run)]
    grey = f"Thin grey lines: {', '.join(others)}. " if others else ""
    return f"{grey}Beyond the top of the chart: {', '.join(above)}." if above else grey


def best_step(run: RunReport) -> tuple[float, float] | None:
    """The step with the lowest validation loss, and that loss; None when it was never taken."""
    return min(validation(run.steps).iter_rows(), key=lambda row: row[1], default=None)


def training_finding(run: RunReport) -> str:
    """When the net was at its best on the validation part."""
    if not run.steps:
        return "No training log was kept."
    best = best_step(run)
    last = max((line.get("step") or 0 for line in run.steps), default=0)
    if best is None:
        return f"{last:,.0f} steps of training; no validation loss was logged."
    return f"The validation loss is lowest, {number(best[1])}, at step {best[0]:,.0f} of {last:,.0f}."


def audit_finding(run: RunReport) -> str:
    """Whether the scores can be trusted, and by how many checks."""
    verdict = "No check speaks against the scores" if run.audit.passed else "Mend this before you trust the scores"
    return f"{verdict}. {run.audit.summary()}."


def data_finding(run: RunReport) -> str:
    """Which part of the data was used for what."""
    validation, test = (moment(time) for time in run.parts)
    return f"Learnt from everything before {validation}; the best step chosen before {test}; scored on the rest."


def moment(time: datetime | int) -> str:
    """A time for people: a date, with the hour where there is one, or `row 120`."""
    if not isinstance(time, datetime):
        return f"row {time:,}"
    return f"{time:%Y-%m-%d %H:%M}" if time.hour or time.minute else f"{time:%Y-%m-%d}"
