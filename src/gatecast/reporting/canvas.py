"""The empty chart that every chart of the report starts from, and the strokes they share."""

from collections.abc import Sequence
from math import floor, log10
from typing import Any, Literal

import numpy as np
from bokeh.layouts import column
from bokeh.models import (
    Column,
    ColumnDataSource,
    DatetimeAxis,
    DatetimeTickFormatter,
    HoverTool,
    PlainText,
    Range1d,
    RangeTool,
)
from bokeh.models.renderers import DataRenderer
from bokeh.plotting import figure

from gatecast.reporting.rows import Interval
from gatecast.reporting.style import GRID, INK, NET, Line, short

Log = Literal["", "x", "y"]
TOOLS = "xpan,xwheel_zoom,xbox_zoom,reset,save"


def canvas(x: np.ndarray, unit: str, label: str = "", *, log: Log = "", height: int = 300) -> figure:
    """An empty chart whose horizontal axis suits `x` (dates or numbers); `log` names the axis that is logarithmic."""
    dated = x.dtype.kind == "M"
    chart = figure(
        height=height,
        sizing_mode="stretch_width",
        x_axis_type="datetime" if dated else "log" if log == "x" else "linear",
        y_axis_type="log" if log == "y" else "linear",
        tools=TOOLS,
        active_drag=None,  # a finger on a phone must scroll the page, not the chart
        active_scroll=None,
        toolbar_location="above",
        toolbar_inner=True,
        outline_line_color=None,
        window_axis="x",
    )
    chart.toolbar.logo = None
    chart.toolbar.autohide = True
    chart.yaxis.axis_label = PlainText(text=short(unit, 40))
    chart.xaxis.axis_label = PlainText(text=label or ("" if dated else "row"))
    _quieten(chart)
    if dated:
        chart.xaxis.formatter = _dates()
    return chart


def _quieten(chart: figure) -> None:
    """Thin lines and system fonts: the data are what should be seen."""
    chart.grid.grid_line_color = GRID
    chart.xgrid.visible = False
    chart.axis.axis_line_color = GRID
    chart.axis.major_tick_line_color = GRID
    chart.axis.minor_tick_line_color = None
    chart.axis.major_label_text_color = INK
    chart.axis.major_label_text_font = chart.axis.axis_label_text_font = "system-ui, sans-serif"
    chart.axis.axis_label_text_font_style = "normal"


def _dates() -> DatetimeTickFormatter:
    return DatetimeTickFormatter(
        minutes="%H:%M", hourmin="%H:%M", hours="%H:%M", days="%d %b", months="%b %Y", years="%Y", context=_context()
    )


def _context() -> DatetimeTickFormatter:
    return DatetimeTickFormatter(
        minutes="%d %b %Y", hourmin="%d %b %Y", hours="%d %b %Y", days="%Y", months="", years=""
    )


def source(**columns: np.ndarray) -> ColumnDataSource:
    """Named columns of one length, as Bokeh takes them."""
    return ColumnDataSource(columns)


def plain(text: str) -> str:
    """A name that Bokeh cannot take for TeX: its delimiters are broken by an invisible space."""
    return short(text, 20).replace("$$", "$\u200b$").replace("\\(", "\\\u200b(").replace("\\[", "\\\u200b[")


def band(chart: figure, data: ColumnDataSource, ends: Interval) -> None:
    """The net's interval between the columns `low` and `high`."""
    chart.varea("x", "low", "high", source=data, color=NET, alpha=0.18, legend_label=str(ends))


def stroke(chart: figure, data: ColumnDataSource, column: str, line: Line, *, named: bool = True) -> DataRenderer:
    """One forecaster's line; if it is `named` in the legend, a click there hides it."""
    look: dict[str, Any] = {"line_color": line.colour, "line_width": line.width, "line_dash": line.dash}
    if named:
        look["legend_label"] = plain(line.model)
    return chart.line("x", column, source=data, **look)


def hover(chart: figure, glyph: DataRenderer, columns: Sequence[tuple[str, str]], across: str = "row") -> None:
    """Show `(label, column)` numbers beside the pointer, at the nearest `x` of `glyph`; `across` names that axis."""
    dated = isinstance(chart.xaxis[0], DatetimeAxis)
    place = ("time", "@x{%Y-%m-%d %H:%M}") if dated else (across, "@x{0,0}")
    digits = _digits(glyph, [name for _, name in columns])
    numbers = [(plain(label), f"@{{{name}}}{{{digits}}}") for label, name in columns]
    formatters: dict[str, Any] = {"@x": "datetime"} if dated else {}
    chart.add_tools(HoverTool(renderers=[glyph], mode="vline", tooltips=[place, *numbers], formatters=formatters))


def _digits(glyph: Any, names: Sequence[str]) -> str:  # noqa: ANN401  Bokeh's renderers do not type their source
    """A number format with five digits for the largest value, so that neither 0.00002 nor 20,000,000 is lost."""
    largest = max(float(np.nanmax(np.abs(glyph.data_source.data[name]), initial=0.0)) for name in names)
    places = max(0, 4 - floor(log10(largest))) if largest else 0
    return f"0,0.{'0' * places}" if places else "0,0"


def finish(chart: figure, *, last_first: bool = True) -> figure:
    """Move the legend out of the data's way, what was drawn last and on top first, and hand the chart out."""
    for legend in list(chart.legend):
        legend.click_policy = "hide"
        legend.orientation = "horizontal"
        legend.ncols = "auto"
        legend.border_line_color = None
        legend.label_text_font = "system-ui, sans-serif"
        legend.label_text_font_size = "12px"
        legend.margin = 0
        legend.spacing = 9
        legend.glyph_width = 14
        legend.items = legend.items[::-1] if last_first else legend.items
        chart.add_layout(legend, "above")
    return chart


def overview(chart: figure, data: ColumnDataSource, x: np.ndarray, shown: int) -> Column:
    """`chart` zoomed to the last `shown` points of `x`, above a small one of them all, with a window to drag."""
    chart.x_range = Range1d(x[-shown], x[-1])
    whole = canvas(x, "", height=80)
    whole.yaxis.visible = whole.ygrid.visible = False
    whole.toolbar_location = None
    whole.line("x", "actual", source=data, color=INK, line_width=0.8)
    whole.add_tools(RangeTool(x_range=chart.x_range))
    return column(chart, whole, sizing_mode="stretch_width")
