"""The score table: which number is best in its column, and how numbers are written."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import floor, isfinite, log10
from typing import Literal

from gatecast.evaluation.results import Score
from gatecast.reporting.record import RunReport

Key = Literal["mase", "rmse", "mae", "smape", "pinball", "coverage"]


@dataclass(frozen=True)
class Column:
    """One column of the score table: its heading, what it means, and what makes a value the best."""

    key: Key
    heading: str
    meaning: str


COLUMNS = (
    Column(
        "mase", "MASE", "mean absolute error ÷ that of repeating the last season in the training data; below 1 is good"
    ),
    Column("mae", "MAE", "mean absolute error, in the data's unit"),
    Column("rmse", "RMSE", "root mean squared error, in the data's unit; large errors weigh more"),
    Column("smape", "sMAPE %", "symmetric mean absolute percentage error"),
    Column("pinball", "Pinball", "error of the quantiles, mean over levels, in the data's unit"),
    Column("coverage", "Coverage", "share of actuals inside the interval"),
)


@dataclass(frozen=True)
class Cell:
    """One number of the score table; `best` of its column or not."""

    text: str
    best: bool


@dataclass(frozen=True)
class Row:
    """One forecaster in the score table; `skill` is 1 - MASE / MASE of the seasonal naive."""

    model: str
    net: bool
    cells: tuple[Cell, ...]
    skill: str


def score_rows(run: RunReport, nominal: float | None) -> tuple[Row, ...]:
    """The score table: the net first, then the baselines by MASE; `nominal` is the coverage to aim at."""
    scores = sorted(run.metrics.scores, key=lambda score: (score.model != run.name, _rank(score.mase)))
    best = {column.key: _best(scores, column, nominal) for column in COLUMNS}
    seasonal = next((score.mase for score in scores if score.model == "seasonal_naive"), None)
    return tuple(_row(score, run.name, best, seasonal) for score in scores)


def _row(score: Score, net: str, best: Mapping[Key, float | None], seasonal: float | None) -> Row:
    cells = tuple(_cell(column, getattr(score, column.key), best[column.key]) for column in COLUMNS)
    return Row(score.model, score.model == net, cells, percent(1 - score.mase / seasonal if seasonal else None))


def _cell(column: Column, value: float | None, best: float | None) -> Cell:
    known = value is not None and isfinite(value)
    text = f"{100 * value:.1f} %" if known and value is not None and column.key == "coverage" else number(value)
    return Cell(text, known and value == best)


def _best(scores: list[Score], column: Column, nominal: float | None) -> float | None:
    """The best value of a column, where there is more than one to choose from."""
    values = [value for score in scores if (value := getattr(score, column.key)) is not None and isfinite(value)]
    aim = nominal if column.key == "coverage" and nominal is not None else 0.0
    return min(values, key=lambda value: abs(value - aim)) if len(values) > 1 else None


def _rank(value: float) -> float:
    return value if isfinite(value) else float("inf")


def number(value: float | None) -> str:
    """Four digits that people can read: `0.8123`, `12.35`, `12,346`; `n/a` where there is none."""
    if value is None or not isfinite(value):
        return "n/a"
    size = floor(log10(abs(value))) if value else 0
    return f"{value:.3e}" if size < -4 or size > 8 else f"{value:,.{max(0, 3 - size)}f}"


def percent(share: float | None) -> str:
    """A share with its sign, such as `+12.3 %`."""
    return "n/a" if share is None or not isfinite(share) else f"{100 * share:+.1f} %"
