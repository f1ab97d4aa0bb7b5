"""The charts of a search: losses in the order of trials, losses by each setting, and what mattered."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from bokeh.models import FactorRange, Range1d
from bokeh.plotting import figure

from gatecast.reporting.canvas import canvas, finish, hover, source
from gatecast.reporting.style import BEST, GREY, INK, NET
from gatecast.tuning.records import TrialRecord, best_of
from gatecast.tuning.telling import shown

LOOKS = {
    "done": ("circle", NET, "finished"),
    "pruned": ("x", GREY, "ended early"),
    "stopped": ("cross", GREY, "time was up"),
}
ABOVE = 0.1  # of the loss of the defaults, at least; what lies higher would press the rest together
LEFT_OUT = 0.25  # of the trials
SMALL = 210
MOST_WORDS = 8  # values side by side; numbers of which there are more lie along an axis
MOST_LETTERS = 36  # below a small chart, before they are turned
SPREAD, GOLDEN = 0.45, 0.618  # of a value's room; multiples of the golden ratio fall evenly into it


def ceiling(trials: Sequence[TrialRecord], usual: float | None) -> float:
    """The top of the charts, below which most trials lie.

    As far above the defaults as the best is below, or above the better half without them; higher where that would leave
    out more than a quarter of the trials, but not beyond twice the best.
    """
    losses = np.array([trial.loss for trial in trials if trial.loss is not None])
    low, middle = float(losses.min()), float(np.median(losses)) if usual is None else usual
    most = min(float(np.quantile(losses, 1 - LEFT_OUT)), low + abs(low))
    return max(middle + max(ABOVE * abs(middle), middle - low), most)


def trials_chart(trials: Sequence[TrialRecord], usual: float | None) -> figure:
    """Each trial's loss, the best so far, and that of the defaults; what lies above the top is drawn at the top."""
    chart, top = canvas(np.arange(1), "validation loss", "trial"), ceiling(trials, usual)
    _best_so_far(chart, trials)
    for status, (marker, colour, name) in LOOKS.items():
        own = [trial for trial in trials if trial.status == status and trial.loss is not None]
        if not own:
            continue
        losses = np.array([trial.loss for trial in own], dtype=np.float64)
        data = source(x=np.array([trial.number + 1 for trial in own]), loss=losses, drawn=np.minimum(losses, top))
        glyph = chart.scatter(
            "x", "drawn", source=data, marker=marker, size=8, color=colour, alpha=0.9, legend_label=name
        )
        hover(chart, glyph, [(name, "loss")], "trial")
    if usual is not None:
        edges = [0.5, len(trials) + 0.5]
        chart.line(edges, [usual, usual], color=INK, line_dash="dotted", line_width=1.3, legend_label="the defaults")
    best = best_of(trials)
    if best is not None and best.loss is not None:
        chart.scatter([best.number + 1], [best.loss], marker="star", size=17, color=BEST, legend_label="the best")
    chart.y_range = _limits(trials, top)
    return finish(chart, last_first=False)


def _best_so_far(chart: figure, trials: Sequence[TrialRecord]) -> None:
    known = [trial for trial in trials if trial.loss is not None]
    best = np.minimum.accumulate(np.array([trial.loss for trial in known], dtype=np.float64))
    places = np.array([trial.number + 1 for trial in known])
    chart.step(places, best, mode="after", color=BEST, line_width=2, legend_label="best so far")


def _limits(trials: Sequence[TrialRecord], top: float) -> Range1d:
    low = min(trial.loss for trial in trials if trial.loss is not None)
    margin = 0.06 * max(top - low, 1e-12)
    return Range1d(start=low - margin, end=top + margin)


def setting_chart(name: str, trials: Sequence[TrialRecord], top: float) -> figure:
    """The loss by one setting: along an axis where it is a number from a span, else side by side."""
    own = [trial for trial in trials if trial.loss is not None and name in trial.settings]
    values = [trial.settings[name] for trial in own]
    losses = np.minimum(np.array([trial.loss for trial in own], dtype=np.float64), top)
    numbers = len(set(map(shown, values))) > MOST_WORDS and all(isinstance(value, float) for value in values)
    chart = canvas(np.arange(1), "", name, log="x" if numbers else "", height=SMALL)
    x = np.array(values, dtype=np.float64) if numbers else _side_by_side(chart, values)
    ended = np.array([trial.status == "done" for trial in own])
    for finished, (marker, colour, _) in ((True, LOOKS["done"]), (False, LOOKS["pruned"])):
        data = source(x=x[ended == finished], loss=losses[ended == finished])
        chart.scatter("x", "loss", source=data, marker=marker, size=7, color=colour, alpha=0.75)
    chart.y_range, chart.toolbar_location, chart.xaxis.axis_label = _limits(trials, top), None, None
    return chart


def _side_by_side(chart: figure, values: Sequence[Any]) -> np.ndarray:
    """A place on the axis for each value, spread a little, so that trials of the same value do not hide each other."""
    words = list(dict.fromkeys(shown(value) for value in sorted(map(_plain, values), key=_order)))
    places = np.array([words.index(shown(value)) for value in values], dtype=np.float64)
    chart.x_range = Range1d(start=-0.6, end=len(words) - 0.4)
    chart.xaxis.ticker = list(range(len(words)))
    chart.xaxis.major_label_overrides = dict(enumerate(words))
    if max(map(len, words)) * len(words) > MOST_LETTERS:
        chart.xaxis.major_label_orientation = 0.5
    return places + SPREAD * (np.arange(len(places)) * GOLDEN % 1 - 0.5)


def _plain(value: object) -> object:
    """A value that can be told apart from others: a list is none."""
    return tuple(value) if isinstance(value, list) else value


def _order(value: object) -> tuple[float, str]:
    """Numbers by size, words by the alphabet."""
    return (float(value), "") if isinstance(value, int | float) else (0.0, shown(value))


def importance_chart(shares: Mapping[str, float]) -> figure:
    """A bar for each setting, the longest on top."""
    names, lengths = list(shares)[::-1], np.array(list(shares.values())[::-1])
    chart = figure(
        height=60 + 24 * len(names),
        sizing_mode="stretch_width",
        y_range=FactorRange(factors=names),
        x_range=Range1d(start=0, end=float(lengths.max()) * 1.05),
        toolbar_location=None,
        tools="",
        outline_line_color=None,
    )
    data = source(name=np.array(names), share=lengths)
    chart.hbar(y="name", right="share", height=0.6, source=data, color=NET, alpha=0.85)
    chart.grid.visible = False
    chart.xaxis.visible = False
    chart.axis.axis_line_color = chart.axis.major_tick_line_color = None
    chart.axis.major_label_text_color = INK
    chart.axis.major_label_text_font = "system-ui, sans-serif"
    chart.axis.major_label_text_font_size = "13px"
    return chart
