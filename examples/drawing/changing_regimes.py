"""The pictures of changing_regimes.py."""

from itertools import pairwise
from pathlib import Path

import numpy as np
from made.changing_regimes import REGIMES, Series
from matplotlib.axes import Axes

from gatecast.inspection import LayerGates
from gatecast.reporting.paper import label, legend, png, sheet
from gatecast.reporting.style import BEST, INK, NET

SHOWN = 600  # rows of the heat maps
BEFORE, AFTER = 20, 60  # rows of a regime around its beginning, as the shortest lasts for 60
MEANING = {"z": "z: share of the past kept", "r": "r: how much of the past the new value reads"}


def write(
    folder: Path, series: Series, gates: LayerGates, order: dict[str, np.ndarray], chosen: dict[str, int]
) -> None:
    """Write two pictures, and say where they lie.

    Args:
        folder: where to write, made if need be.
        series: the rows that the net has not learnt from.
        gates: what it did at them.
        order: of the units, for z and for r.
        chosen: the unit of each whose means in the two regimes differ most.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "gates.png").write_bytes(heat_maps(series, gates, order))
    (folder / "switches.png").write_bytes(around_switches(series, gates, chosen))
    print(f"\nwritten: {folder / 'gates.png'}, {folder / 'switches.png'}")


def heat_maps(series: Series, gates: LayerGates, order: dict[str, np.ndarray]) -> bytes:
    """The first rows, and below them every unit's gates."""
    figure, charts = sheet("Some units of a GRU keep their past in one regime, others in the other", 3, 2.1)
    charts[0].plot(series.values[:SHOWN], color=INK, linewidth=0.8)
    label(charts[0], "", "value, deviations")
    for chart, (letter, units) in zip(charts[1:], order.items(), strict=True):
        shown = gates.gates[letter][:SHOWN, units].T  # (H, rows)
        image = chart.imshow(shown, aspect="auto", cmap="cividis", vmin=0, vmax=1, interpolation="nearest")
        bar = figure.colorbar(image, ax=chart, pad=0.01, ticks=[0, 0.5, 1])
        bar.set_label("0 shut, 1 open", fontsize=9)
        bar.ax.tick_params(labelsize=9)
        chart.set_yticks(range(len(units)), [str(unit) for unit in units], fontsize=8)
        chart.grid(visible=False)
        label(chart, "", "unit", MEANING[letter])
    charts[-1].set_xlabel("held-back row", fontsize=9)
    for chart in charts:
        chart.set_xlim(-0.5, SHOWN - 0.5)
        mark(chart, series)
    name_regimes(charts[0], series)
    return png(figure)


def mark(chart: Axes, series: Series) -> None:
    """A line at each switch."""
    for row in np.flatnonzero(series.since[:SHOWN] == 0):
        chart.axvline(row - 0.5, color=BEST, linewidth=1.5)


def name_regimes(chart: Axes, series: Series) -> None:
    """The name of each regime above its rows."""
    edges = [0, *np.flatnonzero(series.since[1:SHOWN] == 0) + 1, SHOWN]
    for first, end in pairwise(edges):
        if end - first >= BEFORE:
            place = {"transform": chart.get_xaxis_transform(), "ha": "center", "va": "bottom", "fontsize": 9}
            chart.text((first + end) / 2, 1.0, REGIMES[series.regime[first]], color=INK, **place)


def around_switches(series: Series, gates: LayerGates, chosen: dict[str, int]) -> bytes:
    """The chosen units' gates, averaged over all switches into a regime."""
    figure, charts = sheet("The unit that tells the regimes apart best, on average around a switch", len(chosen), 2.3)
    rows = np.arange(-BEFORE, AFTER)
    starts = np.flatnonzero(series.since == 0)
    starts = starts[(starts >= BEFORE) & (starts < len(series.since) - AFTER)]
    for chart, (letter, unit) in zip(charts, chosen.items(), strict=True):
        for regime, colour, dash in ((0, NET, "-"), (1, BEST, "--")):
            into = starts[series.regime[starts] == regime]
            around = gates.gates[letter][into[:, None] + rows, unit].mean(axis=0)
            chart.plot(rows, around, color=colour, linestyle=dash, label=f"{len(into)} switches into {REGIMES[regime]}")
        chart.axvline(-0.5, color=INK, linewidth=1)
        chart.set_ylim(0, 1)
        label(chart, "", "0 shut, 1 open", f"{letter} of unit {unit}")
        legend(chart)
    charts[-1].set_xlabel("rows since the switch", fontsize=9)
    return png(figure)
