"""What sine_to_cosine.py leaves behind: every output as a table, and two pictures."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from matplotlib.animation import FuncAnimation, PillowWriter
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from gatecast.data.scalers import Standard
from gatecast.reporting.paper import label, legend, png, sheet
from gatecast.reporting.style import BEST, GREY, INK, NET

STROKES = {"linear": (GREY, ":"), "rnn": (BEST, "--"), "lstm": (NET, "-"), "gru": ("#009E73", "-.")}


class Frame(NamedTuple):
    """What a net answers after so many training steps."""

    step: int
    mse: float
    output: np.ndarray  # (N, T)


def write(
    out: Path, test: np.ndarray, outputs: dict[str, np.ndarray], fits: dict[str, list[Frame]], scored_from: int
) -> None:
    """Every test sequence, one row a step, beside what each method made of it; and the pictures.

    Args:
        out: the folder to write to.
        test: the test sequences; (N, T, 2).
        outputs: what each method made of them; (N, T) each.
        fits: for each cell of the animation, what it answered on the way.
        scored_from: the first step of the main score.
    """
    sequence, step = np.indices(test.shape[:2])
    columns = {"sequence": sequence, "step": step, "input": test[..., 0], "output": test[..., 1], **outputs}
    table = pl.DataFrame({name: each.reshape(-1) for name, each in columns.items()})
    table.write_csv(out / "test.csv", float_precision=7)
    (out / "by_step.png").write_bytes(draw_by_step(test, outputs, scored_from))
    animate(out / "training.gif", test[0], fits)
    print(f"written: {out / 'training.gif'}, {out / 'by_step.png'}, {out / 'test.csv'}")


def draw_by_step(test: np.ndarray, outputs: dict[str, np.ndarray], scored_from: int) -> bytes:
    """The error at each step, one chart for each readout."""
    figure, charts = sheet("Test MSE at each step of the sequence", 2, 2.6)
    for chart, readout in zip(charts, ("every_step", "last_state"), strict=True):
        for name in ("linear_last_two", *(each for each in outputs if each.endswith(readout))):
            colour, dash = STROKES[name.split("_")[0]]
            errors = ((outputs[name] - test[..., 1]) ** 2).mean(axis=0)  # (T,)
            chart.plot(errors, color=colour, linestyle=dash, label=name)
        chart.axvspan(0, scored_from - 0.5, color=GREY, alpha=0.12, linewidth=0)
        chart.set_yscale("log")
        chart.sharey(charts[0])
        label(chart, "step (grey: not in the main score)", "MSE", readout.replace("_", " "))
        legend(chart)
    return png(figure)


def animate(path: Path, wave: np.ndarray, fits: dict[str, list[Frame]]) -> None:
    """The fit of the first test sequence, `wave` (T, 2), as training goes on, the cells side by side."""
    figure = Figure(figsize=(9, 3), facecolor="white")
    FigureCanvasAgg(figure)
    figure.subplots_adjust(left=0.07, right=0.99, bottom=0.27, top=0.86, wspace=0.08)
    charts = figure.subplots(1, len(fits), sharey=True)
    scaling = Standard().fit(wave)
    rescaled = scaling.transform(wave, 0)[:, 0] * scaling.scale[0, 1] + scaling.centre[0, 1]  # (T,)
    room, moving = 0.4 * np.ptp(wave[:, 1]), []
    for chart in charts:
        chart.plot(rescaled, color=GREY, linestyle=":", label="input, drawn on the output's scale")
        chart.plot(wave[:, 1], color=INK, linewidth=1, label="wanted output")
        moving += chart.plot(wave[:, 1], color=BEST, linewidth=2, alpha=0.8, label="net")
        chart.set_ylim(wave[:, 1].min() - room, wave[:, 1].max() + room)
        chart.set_xlabel("step of the sequence", fontsize=9)
    charts[0].set_ylabel("output", fontsize=9)
    figure.legend(*charts[0].get_legend_handles_labels(), loc="lower center", ncols=3, frameon=False, fontsize=9)

    def show(number: int) -> list[Line2D]:
        for chart, line, (cell, frames) in zip(charts, moving, fits.items(), strict=True):
            frame = frames[number]
            line.set_ydata(frame.output[0])
            chart.set_title(f"{cell}, training step {frame.step}, MSE {frame.mse:.1e}", fontsize=9, loc="left")
        return moving

    count = len(next(iter(fits.values())))
    FuncAnimation(figure, show, frames=[*range(count), *[count - 1] * 5]).save(path, PillowWriter(fps=4), dpi=80)
