"""Two inspections side by side, on the same axes, as PNG files: what one net does otherwise than the other."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gatecast.inspection.results import Inspection
from gatecast.reporting import inside_findings as findings
from gatecast.reporting.inside import draw_timescales, has_gradients, has_memory
from gatecast.reporting.lag_pictures import draw_norms, last_lag
from gatecast.reporting.paper import blank, label, quieten, stroke, write_figures
from gatecast.reporting.spans import steps_of
from gatecast.reporting.style import INK, Line, curves, short
from gatecast.reporting.timescales import bins, timed_layers, timescales

Names = tuple[str, str]
Pair = tuple[Inspection, Inspection]
Draw = Callable[[Axes, Inspection, Line], None]


def write_beside(one: Inspection, other: Inspection, folder: str | Path, names: Names | None = None) -> list[Path]:
    """Write the pictures of two inspections side by side into `folder` and return their paths.

    Raises:
        OptionError: `folder` is a file.
    """
    return write_figures(draw_beside(one, other, names), folder)


def draw_beside(one: Inspection, other: Inspection, names: Names | None = None) -> dict[str, Figure]:
    """`memory`, `timescales` and `gradients` of two inspections, where both have something to show.

    Args:
        one: drawn on the left.
        other: drawn on the right.
        names: what the two are called; the names of their cells when left out.
    """
    pair, named = (one, other), names or (one.name, other.name)
    figures = {}
    if all(has_memory(each) for each in pair):
        figures["memory"] = _side_by_side(pair, named, findings.memory_finding, _memory)
        figures["memory"].axes[0].set_xlim(-0.5, max(last_lag(each.memory) for each in pair) + 0.5)
    if all(timed_layers(each) for each in pair):
        edges = bins(np.concatenate([timescales(each) for each in pair]))
        figures["timescales"] = _side_by_side(pair, named, findings.timescale_finding, _timescales(edges))
    if all(has_gradients(each) for each in pair):
        figures["gradients"] = _side_by_side(pair, named, findings.gradient_finding, draw_norms)
    return figures


def _side_by_side(pair: Pair, names: Names, finding: Callable[[Inspection], str], draw: Draw) -> Figure:
    """Two charts with the same axes; the title says what was found in each."""
    names = (short(names[0], 40), short(names[1], 40))
    said = [f"{name}: {finding(inside)}" for name, inside in zip(names, pair, strict=True)]
    figure = blank("\n".join(said), 3.6)
    left = quieten(figure.add_subplot(1, 2, 1))
    right = quieten(figure.add_subplot(1, 2, 2, sharex=left, sharey=left))
    for chart, inside, line in zip((left, right), pair, curves(names), strict=True):
        draw(chart, inside, line)
        label(chart, chart.get_xlabel(), chart.get_ylabel(), line.model)
        chart.tick_params(labelleft=True)
    return figure


def _memory(chart: Axes, inside: Inspection, line: Line) -> None:
    """The share of the weight at each lag: two nets forecast on different scales."""
    weights = inside.memory.weights / inside.memory.weights.sum()
    stroke(chart, np.arange(len(weights)), weights, line)
    chart.axvline(inside.memory.lag_90, color=INK, linestyle="dotted", linewidth=1.2)
    label(chart, "rows before the newest; dotted: 90 % of the weight", "share of the weight")


def _timescales(edges: np.ndarray) -> Draw:
    def draw(chart: Axes, inside: Inspection, line: Line) -> None:
        draw_timescales(chart, timescales(inside), edges, line)
        label(chart, f"{steps_of(inside)} until 37 % of a state is left; dashed: the median", "units")

    return draw
