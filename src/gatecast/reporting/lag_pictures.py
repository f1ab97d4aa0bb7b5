"""What an inspection found by lag, as pictures: how far back the forecast looks, and how far back the loss reaches."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gatecast.inspection.results import Inspection, Memory
from gatecast.reporting.inside_findings import gradient_finding, memory_finding
from gatecast.reporting.paper import label, legend, sheet, stroke
from gatecast.reporting.spans import steps_of
from gatecast.reporting.style import BEST, INK, MAPS, NET, Line, curves, short

MOST_INPUTS = 6
NAME = 18  # characters of an input's name in a legend


def plot_memory(inside: Inspection) -> Figure:
    """The weight of each row by its lag; then by input, and by step of the horizon, where there is more than one."""
    memory = inside.memory
    drawn = [draw_weights]
    drawn += [_by_input] if len(memory.inputs) > 1 else []
    drawn += [_by_step] if len(memory.steps) > 1 else []
    figure, charts = sheet(memory_finding(inside), len(drawn), 2.6)
    for draw, chart in zip(drawn, charts, strict=True):
        draw(chart, memory)
        chart.set_xlim(-0.5, last_lag(memory) + 0.5)
        label(chart, across_lags(memory), chart.get_ylabel())
    return figure


def draw_weights(chart: Axes, memory: Memory) -> None:
    """All inputs and steps together, with a line where 90 % of the weight is reached."""
    lags = np.arange(len(memory.weights))
    chart.fill_between(lags, memory.weights, color=NET, alpha=0.18, linewidth=0)
    chart.plot(lags, memory.weights, color=NET, linewidth=1.6)
    chart.axvline(memory.lag_90, color=BEST, linestyle="dashed", linewidth=1.2, label="90 % of the weight")
    chart.set_ylim(bottom=0)
    label(chart, "", "weight in the forecast")
    legend(chart)


def _by_input(chart: Axes, memory: Memory) -> None:
    order = heaviest_inputs(memory)
    for line, place in zip(curves([short(memory.inputs[place], NAME) for place in order]), order, strict=True):
        stroke(chart, np.arange(len(memory.weights)), memory.by_input[place], line)
    chart.set_ylim(bottom=0)
    label(chart, "", "weight of each input")
    legend(chart, last_first=False)


def _by_step(chart: Axes, memory: Memory) -> None:
    """A heat map: a row for each step of the horizon, the first at the bottom."""
    count = len(memory.steps)
    edges = np.arange(len(memory.weights) + 1) - 0.5
    mesh = chart.pcolormesh(edges, np.arange(count + 1) - 0.5, memory.by_step, cmap=MAPS[False].paper, vmin=0)
    shown = np.unique(np.linspace(0, count - 1, min(count, 8)).astype(int))
    chart.set_yticks(shown, [f"{step}" for step in memory.steps[shown]])
    chart.grid(visible=False)
    bar = chart.figure.colorbar(mesh, ax=chart, pad=0.01, aspect=12)
    bar.set_label("weight", fontsize=9)
    bar.outline.set_visible(False)
    label(chart, "", "steps ahead")


def heaviest_inputs(memory: Memory) -> list[int]:
    """The inputs worth a line of their own, the heaviest first."""
    return [int(place) for place in np.argsort(-memory.by_input.sum(axis=1), kind="stable")[:MOST_INPUTS]]


def last_lag(memory: Memory) -> int:
    """The end of the axis of lags: what lies beyond it weighs less than 1 %, and would only squeeze the rest."""
    return min(len(memory.weights) - 1, max(10, round(1.2 * memory.lag_of(0.99))))


def across_lags(memory: Memory) -> str:
    """What the axis of lags measures, and what it leaves out."""
    left = len(memory.weights) - 1 - last_lag(memory)
    return "rows before the newest" + (f" (the {left:,} rows further back weigh less than 1 %)" if left else "")


def plot_gradients(inside: Inspection) -> Figure:
    """The gradient by lag, and how much a step of the recurrence stretches or shrinks it."""
    figure, (above, below) = sheet(gradient_finding(inside), 2, 2.6)
    (line,) = curves([""])
    draw_norms(above, inside, line)
    draw_jacobians(below, inside)
    return figure


def draw_norms(chart: Axes, inside: Inspection, line: Line) -> None:
    """The norm of the gradient by updates back, on a logarithmic axis."""
    norms = inside.gradients.norms
    chart.set_yscale("log")
    stroke(chart, np.arange(len(norms)), np.where(norms > 0, norms, np.nan), line)
    label(chart, f"{steps_of(inside)} before the cutoff", "|d loss / d state|")


def draw_jacobians(chart: Axes, inside: Inspection) -> None:
    """Spectral radius and largest singular value of the step's Jacobian, beside 1, where nothing shrinks or grows."""
    flow = inside.gradients
    sampled = np.arange(1, len(flow.spectral_radius) + 1)
    chart.axhline(1, color=INK, linewidth=0.8)
    radius, largest = curves(["spectral radius", "largest singular value"])
    for line, values in ((largest, flow.singular_value), (radius, flow.spectral_radius)):
        stroke(chart, sampled, values, line)
    label(chart, f"sampled {steps_of(inside)}, the oldest first", "Jacobian of a step")
    legend(chart)
