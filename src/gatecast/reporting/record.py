"""RunReport: everything that the report and the pictures tell about one run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from gatecast.data.columns import Guess
from gatecast.errors import ColumnError, OptionError, TableError
from gatecast.evaluation.audit import Audit
from gatecast.evaluation.results import Metrics
from gatecast.inspection.results import Inspection

DATA_FACTS = ("rows", "series", "target", "frequency", "time range", "missing share")


@dataclass(frozen=True, eq=False)
class RunReport:
    """One run, as it is shown to people.

    Times (`ds`, `cutoff`, `parts`) are datetimes, or row numbers in tables without dates.  Frames of a panel with
    several targets carry a column `target`.  Quantile columns are `q` and the level; a point forecaster's are null.

    Attributes:
        name: the net's name in the score tables, such as `gru`.
        title: what was forecast, such as the name of the data file.
        metrics: the scores and the verdict.
        guesses: what gatecast decided for the user.
        facts: lines to list; the keys of `DATA_FACTS` go with the data, the others (parameters, training time, seed,
            versions) with the details.
        history: the actuals, all or the latest stretch: `unique_id, ds, y`; null or NaN where missing.
        forecast: beyond the end of the data: `unique_id, cutoff, ds, mean, q0.1, ...`.
        backtest: the net and the baselines over the test part: `model, unique_id, cutoff, ds, y, mean, q0.1, ...`.
        steps: the training log; lines with `step, loss`, and now and then `step, validation`.
        parts: the first time of the validation part and of the test part; where they differ from series to series,
            those of the longest one.
        audit: whether the scores can be trusted.
        inside: what an inspection of the net found; None where nobody looked.

    Raises:
        ColumnError: a frame lacks a column.
        TableError: the history is empty.
        OptionError: `name` has no score.
    """

    name: str
    title: str
    metrics: Metrics
    guesses: tuple[Guess, ...]
    facts: Mapping[str, str]
    history: pl.DataFrame
    forecast: pl.DataFrame
    backtest: pl.DataFrame
    steps: Sequence[Mapping[str, float | int | None]]
    parts: tuple[datetime | int, datetime | int]
    audit: Audit
    inside: Inspection | None = None

    def __post_init__(self) -> None:
        _require(self.history, "history", ("unique_id", "ds", "y"))
        _require(self.forecast, "forecast", ("unique_id", "cutoff", "ds", "mean"))
        _require(self.backtest, "backtest", ("model", "unique_id", "cutoff", "ds", "y", "mean"))
        if self.history.is_empty():
            raise TableError("a report needs some history to draw, got none. Give at least the rows of the test part.")
        scored = [score.model for score in self.metrics.scores]
        if self.name not in scored:
            raise OptionError(
                f"a report about {self.name!r} needs its score, but the metrics hold {', '.join(scored) or 'none'}. "
                f"Give the net's name as it stands in metrics.json."
            )


def _require(frame: pl.DataFrame, name: str, columns: tuple[str, ...]) -> None:
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise ColumnError(
            f"the report's {name} frame needs the columns {', '.join(columns)}, got {', '.join(frame.columns)}. "
            f"Add {', '.join(missing)}."
        )
