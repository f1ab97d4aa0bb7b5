"""The report's charts of what an inspection found, as Bokeh figures."""

from typing import Any

import numpy as np
import polars as pl
from bokeh.layouts import column
from bokeh.models import (
    Column,
    ColumnDataSource,
    DataRange1d,
    FixedTicker,
    HoverTool,
    LinearColorMapper,
    NumeralTickFormatter,
    Range1d,
)
from bokeh.models.annotations import Span
from bokeh.plotting import figure

from gatecast.inspection.results import Inspection, Memory
from gatecast.reporting.canvas import canvas, finish, hover, plain, source, stroke
from gatecast.reporting.heat import Columns, HeatMap, columns, heat_maps, top_layers
from gatecast.reporting.inside_findings import beyond_chance
from gatecast.reporting.lag_pictures import across_lags, heaviest_inputs, last_lag
from gatecast.reporting.rows import thin, values
from gatecast.reporting.spans import steps_of
from gatecast.reporting.style import BEST, GREY, INK, MAPS, NET, curves
from gatecast.reporting.timescales import bins, heights, timescales

MOST_COLUMNS, MOST_ROWS = 200, 64  # of a heat map: one byte each, so that many stay small
MOST_BARS = 20
AXIS = 34  # pixels for the dates below the last chart
LEFT = 62  # pixels for what stands beside the charts, so that the time axes lie below one another


def gates_chart(inside: Inspection) -> Column:
    """The series, and below it a heat map for each gate of the top layers; they move together."""
    along = columns(inside.times, MOST_COLUMNS)
    edges = along.times()
    series = canvas(inside.times, inside.targets[0], height=150)
    series.x_range = Range1d(start=edges[0], end=edges[-1])
    rows = thin(pl.DataFrame({"ds": inside.times, "y": inside.values}))
    data = source(x=rows["ds"].to_numpy(), actual=values(rows, "y"))
    hover(series, series.line("x", "actual", source=data, color=INK, line_width=1.2), [("actual", "actual")])
    maps = heat_maps(inside, top_layers(inside), along, MOST_ROWS)
    charts = [series, *(_heat(series, along, one, last=one is maps[-1]) for one in maps)]
    for chart in charts[:-1]:
        chart.xaxis.visible = False
    for chart in charts:
        chart.min_border_left = LEFT
    return column(*charts, sizing_mode="stretch_width")


def _heat(series: figure, along: Columns, one: HeatMap, *, last: bool) -> figure:
    """A gate as an image of whole percents of the end of its range."""
    edges = along.times()
    chart = canvas(edges, f"{one.layer} {one.gate}", height=110 + AXIS * last)
    chart.x_range = series.x_range
    chart.yaxis.ticker = FixedTicker(ticks=[])
    chart.ygrid.visible = False
    low, high = (round(100 * end / one.high) for end in (one.low, one.high))
    percents = np.clip(np.rint(100 * one.grid / one.high), low, high).astype(np.int8)
    wide = edges[-1] - edges[0]
    across = wide / np.timedelta64(1, "ms") if along.dated else int(wide)
    colours = LinearColorMapper(palette=MAPS[one.signed].screen, low=low, high=high)
    frame: dict[str, Any] = {"x": edges[0], "y": 0, "dw": across, "dh": len(percents), "color_mapper": colours}
    image = chart.image("image", source=ColumnDataSource({"image": [percents]}), **frame)
    place = ("time", "$x{%Y-%m-%d %H:%M}") if along.dated else ("row", "$x{0,0}")
    said = (f"{one.gate}, % of {one.high:.3g}", "@image")
    formatters: dict[str, Any] = {"$x": "datetime"} if along.dated else {}
    chart.add_tools(HoverTool(renderers=[image], tooltips=[place, said], formatters=formatters))
    return chart


def memory_chart(inside: Inspection) -> figure:
    """The weight of each row by its lag, all inputs and steps together, and the lag of 90 % of it."""
    memory = inside.memory
    chart = _by_lag(memory, "weight in the forecast")
    data = source(**_lags(memory.weights))
    chart.varea("x", 0, "weight", source=data, color=NET, alpha=0.18)
    line = chart.line("x", "weight", source=data, color=NET, line_width=2)
    hover(chart, line, [("weight", "weight")], "rows back")
    chart.add_layout(Span(location=memory.lag_90, dimension="height", line_color=BEST, line_dash="dashed"))
    return finish(chart)


def input_chart(inside: Inspection) -> figure:
    """The same for each of the heaviest inputs."""
    memory = inside.memory
    chart = _by_lag(memory, "weight of each input")
    order = heaviest_inputs(memory)
    for line, place in zip(curves([memory.inputs[place] for place in order]), order, strict=True):
        glyph = stroke(chart, source(**_lags(memory.by_input[place])), "weight", line)
        hover(chart, glyph, [(line.model, "weight")], "rows back")
    return finish(chart, last_first=False)


def _by_lag(memory: Memory, unit: str) -> figure:
    chart = canvas(np.arange(1), unit, across_lags(memory))
    chart.x_range = Range1d(start=0, end=last_lag(memory))
    return chart


def _lags(weights: np.ndarray) -> dict[str, np.ndarray]:
    rows = thin(pl.DataFrame({"lag": np.arange(len(weights)), "y": weights}))
    return {"x": rows["lag"].to_numpy(), "weight": values(rows, "y")}


def timescale_chart(inside: Inspection, layer: str) -> figure:
    """How many units of a layer remember for how long, and the median."""
    scales, edges = timescales(inside, layer), bins(timescales(inside))
    across = f"{steps_of(inside)} until 37 % of a unit's state is left; dashed: the median"
    chart = canvas(np.arange(1), "units", across, log="x", height=220)
    data = source(left=edges[:-1], right=edges[1:], units=heights(scales, edges))
    bars = chart.quad("left", "right", "units", 0, source=data, color=NET, alpha=0.75, line_color="white")
    told = [(steps_of(inside), "@left{0.0} to @right{0.0}"), ("units", "@units")]
    chart.add_tools(HoverTool(renderers=[bars], tooltips=told))
    middle = Span(location=float(np.median(scales)), dimension="height", line_color=INK, line_dash="dashed")
    chart.add_layout(middle)
    chart.xaxis.formatter = NumeralTickFormatter(format="0,0.[0]")
    chart.y_range = DataRange1d(start=0)
    return finish(chart)


def gradient_chart(inside: Inspection) -> figure:
    """The norm of the gradient by updates back, on a logarithmic axis."""
    norms = inside.gradients.norms
    chart = canvas(np.arange(1), "|d loss / d state|", f"{steps_of(inside)} before the cutoff", log="y", height=260)
    known = norms > 0
    data = source(x=np.flatnonzero(known), norm=norms[known])
    line = chart.line("x", "norm", source=data, color=NET, line_width=2)
    told = [(f"{steps_of(inside)} back", "@x"), ("gradient", "@norm{%.3g}")]
    chart.add_tools(HoverTool(renderers=[line], mode="vline", tooltips=told, formatters={"@norm": "printf"}))
    return finish(chart)


def importance_chart(inside: Inspection) -> figure:
    """A bar for each covariate with the spread over shuffles; grey where it is within that spread."""
    items = inside.importance[:MOST_BARS]
    chart = canvas(np.arange(1), "", "how much larger the error gets when it is shuffled", height=110 + 26 * len(items))
    places = np.arange(len(items))
    sizes, spreads = (np.array([getattr(item, key) for item in items]) for key in ("increase", "spread"))
    colours = np.array([NET if beyond_chance(item) else GREY for item in items])
    names = [plain(item.covariate) for item in items]
    ends = {"low": sizes - spreads, "high": sizes + spreads}
    data = source(y=places, increase=sizes, spread=spreads, colour=colours, name=np.array(names), **ends)
    bars = chart.hbar("y", 0.7, "increase", 0, source=data, color="colour")
    chart.segment("low", "y", "high", "y", source=data, color=INK, line_width=1.5)
    told = [("covariate", "@name"), ("error", "@increase{+0.0 %}"), ("spread", "@spread{0.0 %}")]
    chart.add_tools(HoverTool(renderers=[bars], tooltips=told))
    chart.yaxis.ticker = FixedTicker(ticks=places.tolist())
    chart.yaxis.major_label_overrides = dict(zip(places.tolist(), names, strict=True))
    chart.y_range = Range1d(start=len(items) - 0.4, end=-0.6)
    chart.xaxis.formatter = NumeralTickFormatter(format="0 %")
    chart.ygrid.visible = False
    return finish(chart)
