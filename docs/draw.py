"""The pictures of the pages that explain: python docs/draw.py [--out docs/pictures]."""

import argparse
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch

from gatecast.reporting.paper import blank, png
from gatecast.reporting.style import BEST, GREY, INK, NET, PART_COLOURS

Spot = tuple[float, float]
STEPS = 7


def empty(axes: Axes, wide: float, high: float) -> Axes:
    """A stage for boxes and arrows, without axes."""
    axes.set_xlim(0, wide)
    axes.set_ylim(0, high)
    axes.axis("off")
    return axes


def box(axes: Axes, middle: Spot, text: str, colour: str = INK) -> None:
    style = {"boxstyle": "round,pad=0.35", "facecolor": "white", "edgecolor": colour, "linewidth": 1.4}
    axes.text(*middle, text, ha="center", va="center", fontsize=10, color=colour, bbox=style)


def arrow(axes: Axes, start: Spot, end: Spot, colour: str = INK, *, dashed: bool = False) -> None:
    style = "dashed" if dashed else "solid"
    arrow = FancyArrowPatch(
        start, end, arrowstyle="-|>", mutation_scale=11, color=colour, linestyle=style, linewidth=1.4
    )
    axes.add_patch(arrow)


def bptt() -> bytes:
    """The graph of a loop over time, the way forth and the way back, cut after the fourth step."""
    figure = blank(
        "One net, unrolled: forth in black, the gradient back in orange; it ends where the state is detached", 3.4
    )
    axes = empty(figure.add_subplot(), STEPS + 0.7, 3.4)
    for t in range(STEPS):
        across = t + 0.6
        box(axes, (across, 0.4), f"x{t + 1}", GREY)
        box(axes, (across, 1.6), f"h{t + 1}")
        box(axes, (across, 2.9), f"loss{t + 1}", GREY)
        arrow(axes, (across - 0.05, 0.68), (across - 0.05, 1.3))
        arrow(axes, (across - 0.05, 1.92), (across - 0.05, 2.62))
        arrow(axes, (across + 0.08, 2.62), (across + 0.08, 1.92), BEST)
        if t + 1 < STEPS:
            arrow(axes, (across + 0.2, 1.7), (across + 0.8, 1.7))
            if t != 3:
                arrow(axes, (across + 0.8, 1.48), (across + 0.2, 1.48), BEST)
    axes.plot([4.1, 4.1], [-0.5, 3.2], color=BEST, linestyle=":", linewidth=1.5)
    border = "the border of a chunk: the value of h4 goes on, its history does not"
    axes.text(4.0, -0.3, border, fontsize=9, color=BEST, va="center", ha="right")
    axes.set_ylim(-0.6, 3.4)
    return png(figure)


def windows() -> bytes:
    """Who reads which row how often: windows on the left, one pass on the right."""
    figure = blank("Forecasts from 8 origins with a lookback of 6 rows: 48 updates of the state, or 13", 3.4)
    left, right = (empty(figure.add_subplot(1, 2, place), 18.5, 9.6) for place in (1, 2))
    left.set_title("windows: each starts from zero", loc="left", fontsize=10, fontweight="bold")
    right.set_title("one pass: the state goes on", loc="left", fontsize=10, fontweight="bold")
    for origin in range(8):
        up = 8.6 - origin
        left.barh(up, 6, left=origin + 0.2, height=0.62, color=NET, alpha=0.85)
        left.barh(up, 3, left=origin + 6.4, height=0.62, color=BEST, alpha=0.85)
    right.barh(0.9, 13, left=0.2, height=0.62, color=NET, alpha=0.85)
    for origin in range(8):
        right.barh(8.6 - origin * 0.85, 3, left=origin + 6.4, height=0.5, color=BEST, alpha=0.85)
        right.plot([origin + 6.2] * 2, [1.2, 8.6 - origin * 0.85], color=GREY, linewidth=0.8, linestyle=":")
    for axes in (left, right):
        axes.text(0.2, 0.1, "rows, oldest on the left", fontsize=9, color=GREY)
    right.text(0.2, 1.6, "rows read", fontsize=9, color=NET)
    right.text(6.4, 9.1, "rows forecast", fontsize=9, color=BEST)
    return png(figure)


def splits() -> bytes:
    """Train, validation and test by time, and the origins that roll through the test part."""
    figure = blank("What may be fitted on what, and the origins that a backtest forecasts from", 3.2)
    axes = empty(figure.add_subplot(), 20, 7.6)
    parts = (("train", 12, "weights, scalers"), ("validation", 4, "which weights"), ("test", 4, "scores alone"))
    start = 0
    for name, rows, what in parts:
        axes.barh(6.4, rows - 0.08, left=start, height=0.9, color=PART_COLOURS[name], alpha=0.85)
        axes.text(start + rows / 2, 6.4, f"{name}: {what}", ha="center", va="center", fontsize=9, color=INK)
        start += rows
    for place, origin in enumerate(np.arange(16, 20)):
        up = 4.6 - place
        axes.barh(up, origin - 0.08, height=0.5, color=GREY, alpha=0.35)
        axes.barh(up, 0.92, left=origin, height=0.5, color=NET)
        axes.text(0.2, up, f"origin {place + 1} knows these rows", va="center", fontsize=9, color=INK)
    axes.text(19.92, 0.5, "a horizon is forecast from each", fontsize=9, color=NET, ha="right")
    return png(figure)


PICTURES = {"bptt_unrolled": bptt, "windows_or_one_pass": windows, "splits_and_origins": splits}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "pictures")
    folder = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    for name, draw in PICTURES.items():
        (folder / f"{name}.png").write_bytes(draw())


if __name__ == "__main__":
    main()
