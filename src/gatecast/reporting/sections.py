"""What stands in each section of the report: a finding in words, and the charts that show it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bokeh.core.types import ID
from bokeh.embed import json_item
from bokeh.models import LayoutDOM

from gatecast.reporting import charts, findings
from gatecast.reporting.record import RunReport
from gatecast.reporting.rows import MOST_POINTS
from gatecast.reporting.views import choose_views, longest_view

ALL_POINTS = 4500  # in all backtest charts together, which keeps the file under 2 MB


@dataclass(frozen=True)
class Chart:
    """One drawing: `item` is the figure as Bokeh's JSON, drawn into the element `id`."""

    id: str
    heading: str
    description: str
    item: Any


@dataclass(frozen=True)
class Section:
    """A heading, what was found in one sentence, and the charts that show it."""

    id: str
    heading: str
    finding: str
    note: str
    charts: tuple[Chart, ...]


def sections(run: RunReport) -> tuple[Section, ...]:
    """The charts between the score table and the data: forecast, backtest, error by step, training."""
    return forecast_section(run), backtest_section(run), step_section(run), training_section(run)


def forecast_section(run: RunReport) -> Section:
    """The fan of each chosen series."""
    views, note = choose_views(run)
    drawn = [] if run.forecast.is_empty() else [(view.label(), charts.fan_chart(run, view)) for view in views]
    return section("forecast", "The forecast", findings.forecast_finding(run), drawn, note)


def backtest_section(run: RunReport) -> Section:
    """Actual against forecast over the test part, for each chosen series."""
    views, note = choose_views(run)
    most = min(MOST_POINTS, ALL_POINTS // len(views))
    drawn = [] if run.backtest.is_empty() else [(v.label(), charts.backtest_chart(run, v, most)) for v in views]
    return section("backtest", "Actual against forecast", findings.backtest_finding(run), drawn, note)


def step_section(run: RunReport) -> Section:
    """How the error grows over the horizon, and which baselines leave the chart at its top."""
    finding = findings.step_finding(run)
    if len(findings.by_step(run.metrics, run.name)) < 2:
        return section("steps", "Error by step", finding, [])
    return section("steps", "Error by step", finding, [("", charts.step_chart(run))], findings.step_note(run))


def training_section(run: RunReport) -> Section:
    """The training curve."""
    drawn = [("", charts.training_chart(run))] if run.steps else []
    return section("training", "Training", findings.training_finding(run), drawn)


def data_section(run: RunReport) -> Section:
    """The longest series with its training, validation and test parts."""
    view = longest_view(run.history)
    return section("data", "The data", findings.data_finding(run), [(view.label(), charts.parts_chart(run, view))])


def section(key: str, heading: str, finding: str, drawn: Sequence[tuple[str, LayoutDOM]], note: str = "") -> Section:
    """A section of charts, each with its name; the name of a lone chart is left out."""
    made = []
    for index, (name, drawing) in enumerate(drawn):
        place = f"{key}-chart-{index}"
        made.append(Chart(place, name if len(drawn) > 1 else "", f"{finding} {name}", json_item(drawing, ID(place))))
    return Section(key, heading, finding, note, tuple(made))
