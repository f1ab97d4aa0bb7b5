"""The findings of a run as PNG files, drawn by matplotlib without a window or any global state."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gatecast.reporting import findings
from gatecast.reporting.paper import band, label, legend, sheet, stroke, time_axis, write_figures
from gatecast.reporting.record import RunReport
from gatecast.reporting.rows import axis, backtest_rows, interval, thin, values
from gatecast.reporting.style import BEST, GREY, INK, NET, PART_COLOURS, lines
from gatecast.reporting.training import losses, spread, validation
from gatecast.reporting.views import MOST_VIEWS, View, all_views, choose_views, longest_view, unit_of

MOST_AT_ONCE = 150  # points of one line, at least four horizons; more would run into one another on paper


def write_pictures(run: RunReport, folder: str | Path) -> list[Path]:
    """Write the pictures of `run` into `folder` and return their paths.

    `data.png` always; `forecast.png`, `backtest.png`, `error_by_step.png` and `training.png` where there is something
    to draw.

    Raises:
        OptionError: `folder` is a file.
    """
    return write_figures(draw(run), folder)


def draw(run: RunReport) -> dict[str, Figure]:
    """Every picture that has something to show, by the name of its file."""
    figures = {"data": plot_parts(run)}
    if not run.forecast.is_empty():
        views, _ = choose_views(run)
        figures["forecast"] = plot_forecast(
            run.history, run.forecast, views, findings.forecast_finding(run), run.facts.get("target", "value")
        )
    if not run.backtest.is_empty():
        figures["backtest"] = plot_backtest(run)
    if len(findings.by_step(run.metrics, run.name)) > 1:
        figures["error_by_step"] = plot_steps(run)
    if run.steps:
        figures["training"] = plot_training(run)
    return figures


def plot_forecast(
    history: pl.DataFrame,
    forecast: pl.DataFrame,
    views: Sequence[View] | None = None,
    title: str = "Forecast",
    unit: str = "value",
) -> Figure:
    """The end of the history, and the forecast beyond it with its interval, one chart a series.

    Args:
        history: `unique_id, ds, y` (and `target` when there are several).
        forecast: `unique_id, ds, mean`, quantiles such as `q0.1, q0.9` for the interval (and `target`).
        views: which series and targets to draw; the first six of the forecast when left out.
        title: what the picture shows.
        unit: what the vertical axis measures, where the views name no target.
    """
    views = all_views(forecast)[:MOST_VIEWS] if views is None else views
    figure, charts = sheet(title, len(views))
    for chart, view in zip(charts, views, strict=True):
        past, future = view.of(history), view.of(forecast)
        past = past.tail(max(4 * len(future), MOST_AT_ONCE))
        chart.plot(axis(past["ds"]), values(past, "y"), color=INK, linewidth=1, label="actual")
        if ends := interval(forecast):
            band(chart, axis(future["ds"]), values(future, ends.low), values(future, ends.high), ends)
        marker = "o" if len(future) <= 60 else ""
        chart.plot(axis(future["ds"]), values(future, "mean"), color=NET, marker=marker, markersize=3, label="forecast")
        label(chart, time_axis(chart, axis(future["ds"])), view.target or unit, view.label())
        legend(chart)
    return figure


def plot_backtest(run: RunReport) -> Figure:
    """Actual against forecast over the end of the test part, one chart for each chosen series."""
    views, _ = choose_views(run)
    figure, charts = sheet(findings.backtest_finding(run), len(views))
    for chart, view in zip(charts, views, strict=True):
        _backtest(chart, run, view)
    return figure


def _backtest(chart: Axes, run: RunReport, view: View) -> None:
    rows = backtest_rows(run, view, max(4 * run.metrics.horizon, MOST_AT_ONCE))
    x = axis(rows["ds"])
    if (ends := interval(run.backtest)) and "low" in rows.columns:
        band(chart, x, values(rows, "low"), values(rows, "high"), ends)
    chart.plot(x, values(rows, "y"), color=INK, linewidth=1, label="actual")
    for line in reversed(lines(run.name, findings.rivals(run.metrics))):
        stroke(chart, x, values(rows, f"model:{line.model}"), line)
    label(chart, time_axis(chart, x), unit_of(run, view), view.label())
    legend(chart)


def plot_steps(run: RunReport) -> Figure:
    """MASE at each step of the horizon; the baselines beside the point in thin grey."""
    figure, (chart,) = sheet(findings.step_finding(run))
    drawn = lines(run.name, findings.rivals(run.metrics))
    others = [name for name in run.metrics.by_step if name not in [line.model for line in drawn]]
    for index, name in enumerate(others):
        errors = findings.by_step(run.metrics, name)
        legend_name = None if index else "other simple methods"
        chart.plot(np.arange(1, len(errors) + 1), errors, color=GREY, linewidth=0.7, label=legend_name)
    for line in reversed(drawn):
        curve = np.asarray(findings.by_step(run.metrics, line.model))
        stroke(chart, np.arange(1, len(curve) + 1), curve, line)
    chart.set_ylim(top=findings.step_ceiling(run))
    label(chart, "steps ahead", "MASE")
    legend(chart)
    return figure


def plot_training(run: RunReport) -> Figure:
    """The training loss, raw and smoothed, the validation loss and its best step."""
    figure, (chart,) = sheet(findings.training_finding(run))
    raw, checked = losses(run.steps), validation(run.steps)
    if best := findings.best_step(run):
        chart.plot(*best, "*", color=BEST, markersize=13, zorder=3, label="best step")
    chart.plot(checked["step"], checked["validation"], "o--", color=NET, markersize=4, linewidth=1, label="validation")
    chart.plot(raw["step"], raw["smooth"], color=INK, linewidth=1.4, label="loss, smoothed")
    chart.plot(raw["step"], raw["loss"], color=GREY, alpha=0.45, linewidth=0.8, label="loss")
    chart.set_yscale("log" if spread(run.steps) > 20 else "linear")
    label(chart, "step", "loss")
    legend(chart)
    return figure


def plot_parts(run: RunReport) -> Figure:
    """The longest series with the training, validation and test parts shaded."""
    view = longest_view(run.history)
    rows = thin(view.of(run.history))
    figure, (chart,) = sheet(findings.data_finding(run))
    x = axis(rows["ds"])
    first, second = axis(pl.Series(run.parts))
    edges = [x[0], min(max(first, x[0]), x[-1]), min(max(second, x[0]), x[-1]), x[-1]]
    for (name, colour), left, right in zip(PART_COLOURS.items(), edges[:-1], edges[1:], strict=True):
        chart.axvspan(left, right, color=colour, alpha=0.2, linewidth=0, label=name)
    chart.plot(x, values(rows, "y"), color=INK, linewidth=0.9)
    label(chart, time_axis(chart, x), unit_of(run, view), view.label())
    legend(chart, last_first=False)
    return figure
