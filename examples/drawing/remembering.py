"""The pictures of remembering.py."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes

from gatecast.reporting.paper import label, legend, png, sheet
from gatecast.reporting.style import GREY, INK, NET

STROKES = {
    "elman": (GREY, "-"),
    "elman_identity": ("#CC79A7", "-"),
    "elman_identity_clipped": ("#E69F00", "-"),
    "gru": (NET, "-"),
    "gru_chrono": ("#56B4E9", "--"),
    "lstm": (INK, "-"),
    "lstm_chrono": ("#009E73", "--"),
}
CLIPPED = ("elman_identity", "elman_identity_clipped")
REMEMBERED = ("elman", "elman_identity_clipped", "gru", "gru_chrono", "lstm", "lstm_chrono")


class Course(NamedTuple):
    """How a net has learnt.

    Attributes:
        mse: of sequences that it has not learnt from.
        losses: of every training step.
        norms: of every step's gradient, before it is clipped.
        before: the gradient by lag before training, beside that at lag 0.
        memory: what each lag's input moves the answer, after training.
    """

    mse: float
    losses: np.ndarray
    norms: np.ndarray
    before: np.ndarray
    memory: np.ndarray


def write(folder: Path, courses: dict[str, Course]) -> None:
    """Write two pictures, and say where they lie."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "clipping.png").write_bytes(clipping(courses))
    (folder / "memory.png").write_bytes(memory(courses))
    print(f"written: {folder / 'clipping.png'}, {folder / 'memory.png'}")


def clipping(courses: dict[str, Course]) -> bytes:
    """The loss and the gradient of each step, clipped and not."""
    figure, charts = sheet("An Elman net that starts from the identity, clipped and not", 2, 2.3)
    for name in CLIPPED:
        draw(charts[0], name, courses[name].losses)
        draw(charts[1], name, courses[name].norms)
    charts[0].axhline(1 / 3, color=INK, linestyle=":", linewidth=1.2, label="always 0")
    charts[1].axhline(1, color=INK, linestyle=":", linewidth=1.2, label="clipped here")
    label(charts[0], "", "MSE of the batch", "loss")
    label(charts[1], "training step", "norm before clipping", "gradient")
    legend(charts[0])
    legend(charts[1])
    return png(figure)


def memory(courses: dict[str, Course]) -> bytes:
    """The gradient by lag before training, and what the answer rests on after it."""
    figure, charts = sheet("Where the loss reaches before training, and what the net remembers after it", 2, 2.8)
    for name in REMEMBERED:
        course = courses[name]
        draw(charts[0], name, course.before)
        draw(charts[1], name, course.memory)
    label(charts[0], "", "|d loss / d state| / at lag 0", "before training")
    label(charts[1], "lag, rows before the answer", "|d answer / d input|", "after training")
    legend(charts[0])
    return png(figure)


def draw(chart: Axes, name: str, values: np.ndarray) -> None:
    """One net's line, on a scale of powers of ten."""
    colour, dash = STROKES[name]
    chart.plot(values, color=colour, linestyle=dash, linewidth=1.5, label=name)
    chart.set_yscale("log")
