"""The gates of a net under the series it reads, as a picture."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from gatecast.inspection.results import Inspection
from gatecast.reporting.heat import Columns, HeatMap, columns, heat_maps, layer_note, top_layers
from gatecast.reporting.inside_findings import gates_finding
from gatecast.reporting.paper import blank, label, quieten, time_axis
from gatecast.reporting.style import INK, MAPS

MOST_COLUMNS = 600  # about what a picture has pixels for
MOST_ROWS = 64


def plot_gates(inside: Inspection) -> Figure:
    """The series on top, and below it a heat map for each gate of the top layers; they share the time axis."""
    layers, along = top_layers(inside), columns(inside.times, MOST_COLUMNS)
    title = gates_finding(inside) + layer_note(inside)
    figure, _ = gates_figure(inside, title, along, heat_maps(inside, layers, along, MOST_ROWS))
    return figure


def gates_figure(
    inside: Inspection, title: str, along: Columns, maps: list[HeatMap]
) -> tuple[Figure, tuple[Axes, list[QuadMesh]]]:
    """The picture of the series and of `maps`; with it the chart of the series, and the maps as they were drawn."""
    figure = blank(title, 1.35 + 1.05 * len(maps))
    grid = figure.add_gridspec(len(maps) + 1, 2, width_ratios=(60, 1), height_ratios=[1.3] + [1] * len(maps))
    series = quieten(figure.add_subplot(grid[0, 0]))
    series.plot(inside.times, inside.values, color=INK, linewidth=0.9)
    meshes = []
    for place, one in enumerate(maps, start=1):
        chart = quieten(figure.add_subplot(grid[place, 0], sharex=series))
        meshes.append(_heat(chart, one, along))
        bar = figure.colorbar(meshes[-1], cax=figure.add_subplot(grid[place, 1]))
        bar.ax.tick_params(labelsize=8, length=2, colors=INK)
        bar.outline.set_visible(False)
    _label_all(inside, figure.axes[0], figure.axes[1::2], maps)
    return figure, (series, meshes)


def _heat(chart: Axes, one: HeatMap, along: Columns) -> QuadMesh:
    chart.grid(visible=False)
    chart.set_yticks([])
    rows = np.arange(len(one.grid) + 1)
    colours = MAPS[one.signed]
    return chart.pcolormesh(along.times(), rows, one.grid, vmin=one.low, vmax=one.high, cmap=colours.paper)


def _label_all(inside: Inspection, series: Axes, charts: list[Axes], maps: list[HeatMap]) -> None:
    """Names beside each chart, and the time below the last one alone."""
    label(series, "", inside.targets[0])
    across = time_axis(series, inside.times)
    for chart, one in zip(charts, maps, strict=True):
        label(chart, "", f"{one.layer}  {one.gate}")
    for chart in [series, *charts[:-1]]:
        chart.tick_params(labelbottom=False)
    label(charts[-1], f"{across}; units by how long they remember, the longest on top", charts[-1].get_ylabel())
