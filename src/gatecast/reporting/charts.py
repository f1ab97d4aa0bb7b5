"""The report's interactive charts, as Bokeh figures.

Names that come from data enter a figure only as plain text: Bokeh takes `$$` in a string for TeX and would look for
MathJax on the network.
"""

import numpy as np
import polars as pl
from bokeh.models import DataRange1d, LayoutDOM
from bokeh.models.annotations import BoxAnnotation
from bokeh.plotting import figure

from gatecast.reporting.canvas import band, canvas, finish, hover, overview, plain, source, stroke
from gatecast.reporting.findings import best_step, by_step, rivals, step_ceiling
from gatecast.reporting.record import RunReport
from gatecast.reporting.rows import axis, backtest_rows, before_the_end, interval, thin, values
from gatecast.reporting.style import BEST, GREY, INK, NET, PART_COLOURS, Line, lines
from gatecast.reporting.training import losses, spread, validation
from gatecast.reporting.views import View, unit_of

MOST_AT_ONCE = 150  # points of a backtest side by side before lines run into each other


def fan_chart(run: RunReport, view: View) -> figure:
    """The end of the history, and the forecast beyond it with its interval."""
    past, future = before_the_end(run, view), view.of(run.forecast)
    chart = canvas(axis(future["ds"]), unit_of(run, view))
    actual = source(x=axis(past["ds"]), actual=values(past, "y"))
    line = chart.line("x", "actual", source=actual, color=INK, line_width=1.4, legend_label="actual")
    hover(chart, line, [("actual", "actual")])
    ends = interval(run.forecast)
    edges = {"low": values(future, ends.low), "high": values(future, ends.high)} if ends else {}
    ahead = source(x=axis(future["ds"]), point=values(future, "mean"), **edges)
    if ends:
        band(chart, ahead, ends)
    line = chart.line("x", "point", source=ahead, color=NET, line_width=2.2, legend_label=plain(run.name))
    hover(chart, line, [("forecast", "point"), *([(ends.low, "low"), (ends.high, "high")] if ends else [])])
    if len(future) <= 60:
        chart.scatter("x", "point", source=ahead, color=NET, size=4)
    return finish(chart)


def backtest_chart(run: RunReport, view: View, most: int) -> LayoutDOM:
    """Actuals over the test part, with the net and the baselines that matter; at most `most` points."""
    rows = backtest_rows(run, view, most)
    drawn = lines(run.name, rivals(run.metrics))
    chart = canvas(axis(rows["ds"]), unit_of(run, view))
    columns = {f"m{index}": values(rows, f"model:{line.model}") for index, line in enumerate(drawn)}
    columns |= {"actual": values(rows, "y"), "low": values(rows, "low"), "high": values(rows, "high")}
    data = source(x=axis(rows["ds"]), **columns)
    if "low" in rows.columns and (ends := interval(run.backtest)):
        band(chart, data, ends)
    actual = chart.line("x", "actual", source=data, color=INK, line_width=1.4, legend_label="actual")
    for index, line in reversed(list(enumerate(drawn))):
        stroke(chart, data, f"m{index}", line)
    hover(chart, actual, [("actual", "actual"), *((line.model, f"m{index}") for index, line in enumerate(drawn))])
    finish(chart)
    shown = max(4 * run.metrics.horizon, MOST_AT_ONCE)
    return overview(chart, data, axis(rows["ds"]), shown) if len(rows) > 1.5 * shown else chart


def step_chart(run: RunReport) -> figure:
    """MASE at each step of the horizon; the other baselines in thin grey."""
    drawn = lines(run.name, rivals(run.metrics))
    chart = canvas(np.arange(1), "MASE", "steps ahead")
    others = [name for name in run.metrics.by_step if name not in [line.model for line in drawn]]
    for line in [*(Line(name, GREY, "solid", 0.8) for name in others), *reversed(drawn)]:
        errors = np.asarray(by_step(run.metrics, line.model), dtype=np.float64)
        data = source(x=np.arange(1, len(errors) + 1), error=errors)
        glyph = stroke(chart, data, "error", line, named=line.model not in others)
        hover(chart, glyph, [(line.model, "error")], "step")
        if len(errors) <= 30:
            chart.scatter("x", "error", source=data, color=line.colour, size=3 + line.width)
    chart.y_range = DataRange1d(end=step_ceiling(run))
    return finish(chart)


def training_chart(run: RunReport) -> figure:
    """The training loss, raw and smoothed, the validation loss and its best step."""
    chart = canvas(np.arange(1), "loss", "step", log="y" if spread(run.steps) > 20 else "")
    raw = losses(run.steps)
    data = source(x=values(raw, "step"), loss=values(raw, "loss"), smooth=values(raw, "smooth"))
    chart.line("x", "loss", source=data, color=GREY, alpha=0.45, line_width=1, legend_label="loss")
    line = chart.line("x", "smooth", source=data, color=INK, line_width=1.8, legend_label="loss, smoothed")
    hover(chart, line, [("loss", "loss"), ("smoothed", "smooth")], "step")
    checked = validation(run.steps)
    places = source(x=values(checked, "step"), error=values(checked, "validation"))
    chart.line("x", "error", source=places, color=NET, line_width=1.4, line_dash="dashed", legend_label="validation")
    dots = chart.scatter("x", "error", source=places, color=NET, size=6, legend_label="validation")
    hover(chart, dots, [("validation", "error")], "step")
    if best := best_step(run):
        chart.scatter([best[0]], [best[1]], marker="star", size=17, color=BEST, legend_label="best step")
    return finish(chart, last_first=False)


def parts_chart(run: RunReport, view: View) -> figure:
    """The history with the training, validation and test parts shaded."""
    rows = thin(view.of(run.history))
    chart = canvas(axis(rows["ds"]), unit_of(run, view), height=220)
    first, second = axis(pl.Series(run.parts))
    for edges, colour in zip([(None, first), (first, second), (second, None)], PART_COLOURS.values(), strict=True):
        shade = BoxAnnotation(left=edges[0], right=edges[1], fill_color=colour, fill_alpha=0.16, line_color=None)
        chart.add_layout(shade)
    data = source(x=axis(rows["ds"]), actual=values(rows, "y"))
    hover(chart, chart.line("x", "actual", source=data, color=INK, line_width=1.2), [("actual", "actual")])
    return finish(chart)
