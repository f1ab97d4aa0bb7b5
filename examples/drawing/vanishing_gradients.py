"""The picture of vanishing_gradients.py."""

from pathlib import Path

import numpy as np

from gatecast.reporting.paper import label, legend, png, sheet
from gatecast.reporting.style import BEST, GREY, INK, NET

COLOURS = (NET, INK, BEST)


def write(folder: Path, flows: dict[str, dict[float, np.ndarray]]) -> None:
    """Write by_lag.png, and say where it lies.

    Args:
        folder: where to write, made if need be.
        flows: for each input, for each spectral radius of U, the gradient by lag beside that at lag 0.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "by_lag.png").write_bytes(draw(flows))
    print(f"written: {folder / 'by_lag.png'}")


def draw(flows: dict[str, dict[float, np.ndarray]]) -> bytes:
    """The gradients, one chart for each input, each beside its law."""
    figure, charts = sheet("How much of the loss reaches the state k steps before it, in an Elman net", len(flows), 2.8)
    for chart, (name, by_radius) in zip(charts, flows.items(), strict=True):
        for colour, (radius, norms) in zip(COLOURS, by_radius.items(), strict=True):
            lags = np.arange(len(norms))
            law = "spectral radius of U, to the power of k" if radius == min(by_radius) else None
            chart.plot(lags, radius**lags, color=GREY, linestyle=":", linewidth=1.2, label=law)
            chart.plot(lags, norms, color=colour, linewidth=1.8)
            side = "bottom" if radius > 1 else "top"
            chart.text(lags[-1] + 0.5, norms[-1], f"radius {radius}", color=colour, verticalalignment=side, fontsize=9)
        chart.set_yscale("log")
        chart.set_xlim(0, 68)
        chart.sharey(charts[0])
        label(chart, "lag k, steps before the loss", "|gradient| / at lag 0", name)
        legend(chart)
    return png(figure)
