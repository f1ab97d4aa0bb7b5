"""The picture of gru_from_equations.py, and the numbers behind it."""

from pathlib import Path

import numpy as np

from gatecast.reporting.paper import label, legend, png, sheet
from gatecast.reporting.style import BEST, GREY, INK, NET

TICKS = [1, 2, 5, 10, 20, 50, 100]


def draw_perplexity(history: np.ndarray, scores: dict[str, float], where: str, out: Path) -> tuple[Path, Path]:
    """The perplexity of each step and each pass, beside what the models score in the end; the steps as CSV too.

    Args:
        history: loss, gradient norm and norm after clipping of each chunk of each pass; (passes, chunks, 3).
        scores: the perplexity of the net and of counting, after training.
        where: what was scored.
        out: the folder to write to.
    """
    passes, chunks, _ = history.shape
    steps = np.column_stack([np.repeat(np.arange(passes) + 1, chunks), history.reshape(-1, 3)])
    steps[:, 1] = np.exp(steps[:, 1])
    header = "pass,perplexity,norm,clipped_norm"
    np.savetxt(out / "steps.csv", steps, "%.9g", ",", header=header, comments="")
    figure, (chart,) = sheet(f"Perplexity while training. Level lines: on {where}, after training")
    chart.plot(np.arange(len(steps)) + 1, steps[:, 1], color=GREY, alpha=0.5, linewidth=0.6, label="each step")
    means = np.exp(history[..., 0].mean(axis=1))
    chart.plot((np.arange(passes) + 0.5) * chunks, means, color=NET, label="mean of a pass")
    for (name, value), colour, dash in zip(scores.items(), (NET, BEST, INK), ("-.", "--", ":"), strict=True):
        chart.axhline(value, color=colour, linestyle=dash, linewidth=1, label=f"{name} {value:.2f}")
    chart.set_yscale("log")
    chart.set_yticks(TICKS, map(str, TICKS))
    chart.minorticks_off()
    label(chart, "training step", "perplexity, log scale")
    legend(chart)
    (out / "perplexity.png").write_bytes(png(figure))
    return out / "perplexity.png", out / "steps.csv"
