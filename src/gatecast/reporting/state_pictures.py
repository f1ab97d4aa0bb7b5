"""The path of the states through the plane in which they move most, as a picture."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from matplotlib.colors import BoundaryNorm
from matplotlib.figure import Figure

from gatecast.inspection.results import Inspection
from gatecast.reporting.inside_findings import state_finding
from gatecast.reporting.paper import label, sheet
from gatecast.reporting.spans import MICROSECOND, dated
from gatecast.reporting.style import GREY, short

WEEK = 7 * 86_400_000_000 * MICROSECOND
HOUR = "hour of the day"
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, eq=False)
class Colouring:
    """What colours the points: its name, its values, and the names of the values where they are few."""

    name: str
    values: Float[np.ndarray, " updates"]
    names: tuple[str, ...] = ()


def plot_states(inside: Inspection) -> Figure:
    """The two principal components of each state, coloured by when it was, or by the value it had just read."""
    figure, (chart,) = sheet(state_finding(inside), 1, 4.6)
    by = colouring(inside)
    x, y = inside.states.points.T
    chart.plot(x, y, color=GREY, alpha=0.25, linewidth=0.5, zorder=1)
    norm = BoundaryNorm(np.arange(len(by.names) + 1) - 0.5, 256) if by.names else None
    dots = chart.scatter(x, y, c=by.values, s=14, cmap="cividis", norm=norm, linewidths=0, zorder=2)
    bar = figure.colorbar(dots, ax=chart, pad=0.01)
    bar.set_label(short(by.name, 40), fontsize=9, parse_math=False)
    bar.outline.set_visible(False)
    if by.names:
        bar.set_ticks(np.arange(len(by.names)).tolist(), labels=list(by.names))
    elif by.name == HOUR:
        bar.set_ticks([0, 6, 12, 18])
    chart.grid(axis="x", color=chart.get_ygridlines()[0].get_color(), linewidth=0.8)
    first, second = (f"principal component ({100 * share:.0f} %)" for share in inside.states.explained)
    label(chart, f"first {first}", f"second {second}")
    return figure


def colouring(inside: Inspection) -> Colouring:
    """The hour of the day, the weekday or the month, the first in which the updates differ; else the value."""
    if dated(inside):
        times = inside.times.astype("datetime64[us]")
        days = times.astype("datetime64[D]")
        hours = (times - days) / np.timedelta64(1, "h")
        weekdays = (days.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
        months = times.astype("datetime64[M]").astype(np.int64) % 12
        if np.ptp(hours) > 0:
            return Colouring(HOUR, hours)
        if np.ptp(weekdays) > 0 and np.median(np.diff(times)) < WEEK:
            return Colouring("weekday", weekdays.astype(np.float64), WEEKDAYS)
        if np.ptp(months) > 0:
            return Colouring("month", months.astype(np.float64), MONTHS)
    return Colouring(inside.targets[0], np.asarray(inside.values, dtype=np.float64))
