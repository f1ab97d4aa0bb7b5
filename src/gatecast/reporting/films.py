"""Films: the gates as the net reads the series, and a forecast as the net learns, as GIF or MP4."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from gatecast.errors import OptionError
from gatecast.inspection.results import Ahead, Inspection
from gatecast.reporting.filming import stops, write_film
from gatecast.reporting.gate_pictures import MOST_ROWS, gates_figure
from gatecast.reporting.heat import columns, heat_maps
from gatecast.reporting.inside_findings import gates_finding
from gatecast.reporting.paper import blank, label, legend, quieten, time_axis
from gatecast.reporting.scores import number
from gatecast.reporting.style import BEST, GREY, INK, NET

NEWEST = 120  # updates of a film of the gates


@dataclass(frozen=True, eq=False)
class Fitting:
    """One window of the validation part, as it was forecast while the net learnt.

    Attributes:
        steps: the training step of each frame.
        validation: the validation loss at these steps; NaN where it was not looked at.
        times: of the context and the horizon, datetime64 or row numbers.
        actual: what came, on the original scale; NaN where it is missing.
        forecasts: of the horizon, on the original scale.
        unit: what is forecast, such as the target's name.

    Raises:
        OptionError: there is no frame, or the shapes do not fit together.
    """

    steps: np.ndarray
    validation: Float[np.ndarray, " frames"]
    times: np.ndarray
    actual: Float[np.ndarray, " rows"]
    forecasts: Float[np.ndarray, "frames horizon"]
    unit: str

    def __post_init__(self) -> None:
        frames, horizon = self.forecasts.shape
        if not 0 < frames == len(self.steps) == len(self.validation):
            raise OptionError(
                f"a film needs a step and a validation loss for each forecast, and at least one: got {frames} "
                f"forecasts, {len(self.steps)} steps and {len(self.validation)} losses. Give as many of each."
            )
        if not horizon <= len(self.times) == len(self.actual):
            raise OptionError(
                f"a film needs a time for each actual value, and at least those of the horizon: got {len(self.times)} "
                f"times and {len(self.actual)} values for a horizon of {horizon}. Give context and horizon of both."
            )


def write_gates_film(inspection: Inspection, path: str | Path) -> Path:
    """Write the series and the gates of the top layer, revealed update by update, as a film: .gif or .mp4.

    The newest 120 updates are shown, in at most 60 frames.

    Raises:
        OptionError: `path` has another ending, or MP4 is wanted and ffmpeg is not installed.
    """
    figure, reveal = gates_film(inspection)
    return write_film(figure, reveal, stops(min(len(inspection.times), NEWEST)), Path(path))


def gates_film(inspection: Inspection) -> tuple[Figure, Callable[[int], None]]:
    """The picture, and what shows so many of its updates, with the forecast that was made then."""
    newest = _newest(inspection)
    along = columns(newest.times, NEWEST)
    maps = heat_maps(newest, newest.layers[-1:], along, MOST_ROWS)
    figure, (series, meshes) = gates_figure(newest, gates_finding(newest), along, maps)
    (line,) = series.get_lines()
    forecast = _draw_ahead(series, newest)
    series.set(xlim=series.get_xlim(), ylim=series.get_ylim())

    def reveal(shown: int) -> None:
        line.set_data(newest.times[:shown], newest.values[:shown])
        if forecast is not None and newest.ahead is not None:
            forecast.set_data(newest.ahead.times[shown - 1], newest.ahead.values[shown - 1])
        hidden = along.starts >= shown
        for mesh, one in zip(meshes, maps, strict=True):
            mesh.set_array(np.ma.masked_array(one.grid, np.broadcast_to(hidden, one.grid.shape)))

    return figure, reveal


def _draw_ahead(series: Axes, newest: Inspection) -> Line2D | None:
    """The newest forecast, on axes that have room for all of them."""
    ahead = newest.ahead
    if ahead is None or not np.isfinite(ahead.values).any():
        return None
    (line,) = series.plot(ahead.times[-1], ahead.values[-1], color=NET, linewidth=2, label="forecast")
    _hold_still(series, np.concatenate([newest.values, ahead.values.ravel()]))
    legend(series)
    return line


def _newest(inspection: Inspection) -> Inspection:
    """The newest updates, and of the layers the top one alone."""
    top = inspection.layers[-1]
    gates = {name: values[-NEWEST:] for name, values in top.gates.items()}
    layer = replace(top, gates=gates, output=top.output[-NEWEST:])
    times, values = inspection.times[-NEWEST:], inspection.values[-NEWEST:]
    ahead = inspection.ahead and Ahead(inspection.ahead.times[-NEWEST:], inspection.ahead.values[-NEWEST:])
    return replace(inspection, times=times, values=values, layers=(layer,), ahead=ahead)


def write_fitting_film(fitting: Fitting, path: str | Path) -> Path:
    """Write the forecast as it improves, beside the validation loss, as a film: .gif or .mp4; at most 60 frames.

    Raises:
        OptionError: `path` has another ending, or MP4 is wanted and ffmpeg is not installed.
    """
    figure, charts = fitting_figure(fitting)
    forecast, loss = charts[0].get_lines()[-1], charts[1].get_lines()[-1]

    def show(shown: int) -> None:
        frame = shown - 1
        forecast.set_ydata(fitting.forecasts[frame])
        loss.set_data(fitting.steps[frame : frame + 1], fitting.validation[frame : frame + 1])
        loss_now = float(fitting.validation[frame])
        said = f": validation loss {number(loss_now)}" if isfinite(loss_now) else ""
        charts[1].set_title(f"step {fitting.steps[frame]:,}{said}", loc="left", fontsize=10)

    return write_film(figure, show, stops(len(fitting.steps)), Path(path))


def fitting_figure(fitting: Fitting) -> tuple[Figure, list[Axes]]:
    """The last frame: the window with its forecast, and the course of the validation loss."""
    figure = blank("One window of the validation part, forecast again and again while the net learns.", 3.6)
    grid = figure.add_gridspec(1, 2, width_ratios=(3, 2))
    window, course = (quieten(figure.add_subplot(grid[0, place])) for place in range(2))
    _draw_window(window, fitting)
    course.plot(fitting.steps, fitting.validation, color=GREY, linewidth=1.4)
    course.plot(fitting.steps[-1:], fitting.validation[-1:], "o", color=BEST, markersize=8)
    label(course, "training step", "validation loss", " ")
    return figure, [window, course]


def _draw_window(chart: Axes, fitting: Fitting) -> None:
    """The window, and the last forecast."""
    ahead = fitting.times[-fitting.forecasts.shape[1] :]
    chart.plot(fitting.times, fitting.actual, color=INK, linewidth=1, label="actual")
    chart.plot(ahead, fitting.forecasts[-1], color=NET, linewidth=2, label="forecast")
    _hold_still(chart, np.concatenate([fitting.actual, fitting.forecasts.ravel()]))
    label(chart, time_axis(chart, fitting.times), fitting.unit)
    legend(chart)


def _hold_still(chart: Axes, every: Float[np.ndarray, " numbers"]) -> None:
    """Give the vertical axis room for all numbers that any frame shows."""
    low, high = np.nanmin(every), np.nanmax(every)
    margin = 0.05 * (high - low) or 1.0
    chart.set_ylim(low - margin, high + margin)
