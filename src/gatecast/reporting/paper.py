"""The empty picture that every picture starts from, and the strokes they share.

Names that come from data are drawn as they are: matplotlib would otherwise read `$...$` as mathematics.
"""

import io
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from gatecast.errors import OptionError
from gatecast.files import write_atomic
from gatecast.folders import make_folder
from gatecast.reporting.fonts import letters_or_boxes, make_legible
from gatecast.reporting.rows import Interval
from gatecast.reporting.style import GRID, INK, NET, Line, short

DOTS = 120  # pixels per inch
WIDTH = 110  # characters of a title's line


def sheet(title: str, count: int = 1, height: float = 3.2) -> tuple[Figure, list[Axes]]:
    """A figure without a window, with `count` charts below one another and its finding as the title."""
    figure = blank(title, height * count + 0.5)
    return figure, [quieten(figure.add_subplot(count, 1, index + 1)) for index in range(count)]


def blank(title: str, height: float) -> Figure:
    """A figure without charts, `height` inches high, and its finding as the title."""
    title = "\n".join(textwrap.fill(line, WIDTH) for line in title.splitlines())
    figure = Figure(figsize=(9, height + 0.2 * title.count("\n")), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    # Broken here: matplotlib's own wrapping measures `$...$` as mathematics even where parse_math is off.
    figure.suptitle(title, x=0.01, ha="left", fontsize=11, color=INK, parse_math=False)
    return figure


def quieten(chart: Axes) -> Axes:
    """Thin lines: the data are what should be seen."""
    chart.spines[["top", "right"]].set_visible(False)
    chart.spines[["left", "bottom"]].set_color(GRID)
    chart.grid(axis="y", color=GRID, linewidth=0.8)
    chart.tick_params(colors=INK, labelsize=9, length=3)
    chart.set_axisbelow(True)
    return chart


def label(chart: Axes, across: str, up: str, heading: str = "") -> None:
    """Say what the axes measure; `heading` tells one chart of the figure from the next."""
    chart.set_xlabel(across, fontsize=9, parse_math=False)
    chart.set_ylabel(short(up, 40), fontsize=9, parse_math=False)
    if heading:
        chart.set_title(short(heading, 45), loc="left", fontsize=10, fontweight="bold", parse_math=False)


def time_axis(chart: Axes, times: np.ndarray) -> str:
    """Dates written once, or row numbers; gives the axis' label."""
    if times.dtype.kind != "M":
        return "row"
    locator = AutoDateLocator(minticks=3, maxticks=8)  # type: ignore[no-untyped-call]
    chart.xaxis.set_major_locator(locator)
    chart.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    return "time"


def band(chart: Axes, x: np.ndarray, low: np.ndarray, high: np.ndarray, ends: Interval) -> None:
    """The net's interval."""
    chart.fill_between(x, low, high, color=NET, alpha=0.18, linewidth=0, label=str(ends))


def stroke(chart: Axes, x: np.ndarray, y: np.ndarray, line: Line) -> None:
    """One forecaster's line; the legend would drop a name that starts with an underscore, so that one is padded."""
    name = f" {line.model}" if line.model.startswith("_") else line.model
    chart.plot(x, y, color=line.colour, linestyle=line.dash, linewidth=0.75 * line.width, label=name)


def legend(chart: Axes, *, last_first: bool = True) -> None:
    """Name the lines above the chart, the last drawn, which lies on top, first."""
    handles, names = chart.get_legend_handles_labels()
    order = slice(None, None, -1 if last_first else 1)
    place: dict[str, Any] = {"loc": "lower right", "bbox_to_anchor": (1, 1)}
    box = chart.legend(handles[order], names[order], ncols=max(1, len(names)), frameon=False, fontsize=8, **place)
    for text in box.get_texts():
        text.set_parse_math(False)


def write_figures(figures: Mapping[str, Figure], folder: str | Path) -> list[Path]:
    """Write each figure into `folder` as a PNG file of its name, and return their paths.

    Raises:
        OptionError: `folder` is a file.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise OptionError(
            f"pictures are written into a folder, but {folder} is a file. Give a folder such as pictures."
        )
    make_folder(folder)
    paths = []
    for name, figure in figures.items():
        paths.append(folder / f"{name}.png")
        write_atomic(paths[-1], png(figure))
    return paths


def png(figure: Figure) -> bytes:
    """The figure as the bytes of a PNG file; letters that no font has become boxes."""
    make_legible(figure)
    buffer = io.BytesIO()
    with letters_or_boxes():
        figure.savefig(buffer, format="png", dpi=DOTS)
    return buffer.getvalue()
