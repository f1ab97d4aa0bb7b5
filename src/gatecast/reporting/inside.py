"""What an inspection found as PNG files, drawn by matplotlib without a window or any global state."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from gatecast.inspection.results import Inspection
from gatecast.reporting import inside_findings as findings
from gatecast.reporting.gate_pictures import plot_gates
from gatecast.reporting.heat import MOST_LAYERS
from gatecast.reporting.lag_pictures import plot_gradients, plot_memory
from gatecast.reporting.paper import label, legend, sheet, write_figures
from gatecast.reporting.spans import steps_of
from gatecast.reporting.state_pictures import plot_states
from gatecast.reporting.style import GREY, INK, NET, Line, curves, short
from gatecast.reporting.timescales import bins, heights, timed_layers, timescales

MOST_BARS = 20


def write_inside(inspection: Inspection, folder: str | Path) -> list[Path]:
    """Write the pictures of `inspection` into `folder` and return their paths.

    `gates.png` always; `memory.png`, `timescales.png`, `gradients.png`, `states.png` and `importance.png` where there
    is something to draw.

    Raises:
        OptionError: `folder` is a file.
    """
    return write_figures(draw_inside(inspection), folder)


def draw_inside(inspection: Inspection) -> dict[str, Figure]:
    """Every picture that has something to show, by the name of its file."""
    figures = {"gates": plot_gates(inspection)}
    if has_memory(inspection):
        figures["memory"] = plot_memory(inspection)
    if timed_layers(inspection):
        figures["timescales"] = plot_timescales(inspection)
    if has_gradients(inspection):
        figures["gradients"] = plot_gradients(inspection)
    if np.ptp(inspection.states.points) > 0:
        figures["states"] = plot_states(inspection)
    if inspection.importance:
        figures["importance"] = plot_importance(inspection)
    return figures


def has_memory(inspection: Inspection) -> bool:
    """Whether anything that came in moves the forecast."""
    return bool(inspection.memory.weights.sum() > 0)


def has_gradients(inspection: Inspection) -> bool:
    """Whether any gradient flows back."""
    return len(inspection.gradients.norms) > 1 and bool(inspection.gradients.norms[0] > 0)


def plot_timescales(inspection: Inspection) -> Figure:
    """How many units remember for how long, a chart for each of the top layers."""
    layers = timed_layers(inspection)[:MOST_LAYERS]
    figure, charts = sheet(findings.timescale_finding(inspection), len(layers), 2.2)
    edges, (line,) = bins(timescales(inspection)), curves([""])
    for chart, layer in zip(charts, layers, strict=True):
        draw_timescales(chart, timescales(inspection, layer), edges, line)
        legend(chart)
        label(chart, "", "units", layer if len(layers) > 1 else "")
    label(charts[-1], f"{steps_of(inspection)} until 37 % of a unit's state is left", "units")
    return figure


def draw_timescales(chart: Axes, scales: np.ndarray, edges: np.ndarray, line: Line) -> None:
    """Bars on a logarithmic axis, with a line at the median."""
    chart.set_xscale("log")
    chart.xaxis.set_major_formatter("{x:g}")
    bars: dict[str, Any] = {"align": "edge", "facecolor": to_rgba(line.colour, 0.75), "edgecolor": line.colour}
    chart.bar(edges[:-1], heights(scales, edges), np.diff(edges), linestyle=line.dash, **bars)
    chart.axvline(float(np.median(scales)), color=INK, linestyle="dashed", linewidth=1.2, label="median")
    chart.yaxis.set_major_locator(MaxNLocator(4, integer=True))


def plot_importance(inspection: Inspection) -> Figure:
    """A bar for each covariate with the spread over shuffles; grey where it is within that spread."""
    items = inspection.importance[:MOST_BARS]
    figure, (chart,) = sheet(findings.importance_finding(inspection), 1, 0.9 + 0.32 * len(items))
    colours = [NET if findings.beyond_chance(item) else GREY for item in items]
    places = np.arange(len(items))
    sizes, spreads = ([getattr(item, key) for item in items] for key in ("increase", "spread"))
    chart.barh(places, sizes, 0.7, xerr=spreads, color=colours, ecolor=INK, capsize=3)
    chart.set_yticks(places, [short(item.covariate, 30) for item in items], parse_math=False)
    chart.invert_yaxis()
    chart.grid(visible=False, axis="y")
    chart.axvline(0, color=INK, linewidth=0.8)
    chart.xaxis.set_major_formatter(PercentFormatter(1))
    label(chart, "how much larger the error gets when it is shuffled; lines: spread over the shuffles", "covariate")
    return figure
