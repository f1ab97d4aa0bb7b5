"""Which of many series get a chart: shared by the report and the pictures."""

from dataclasses import dataclass
from typing import Literal

import polars as pl

from gatecast.data.columns import ONLY_SERIES
from gatecast.reporting.record import RunReport

Role = Literal["", "best", "median", "worst"]
MOST_VIEWS = 6


@dataclass(frozen=True)
class View:
    """One series (and, with several targets, one target of it) that gets a chart of its own.

    `role` says why it was picked among many: the net's error on it is the smallest, the middle one or the largest.
    """

    unique_id: str
    target: str | None = None
    role: Role = ""

    def label(self) -> str:
        """The chart's heading: `shop_7 · price (the worst)`; the one series of a table without names has none."""
        series = "" if self.unique_id == ONLY_SERIES and not self.role else self.unique_id
        name = " · ".join(part for part in (series, self.target) if part)
        return f"{name} (the {self.role})" if self.role else name

    def of(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The rows of `frame` that belong to this view, in time order."""
        mine = pl.col("unique_id") == self.unique_id
        if self.target is not None:
            mine &= pl.col("target") == self.target
        return frame.filter(mine).sort("ds")


def all_views(frame: pl.DataFrame) -> list[View]:
    """One view for each series and target, in the order of the table."""
    keys = [key for key in ("unique_id", "target") if key in frame.columns]
    return [View(*row) for row in frame.select(keys).unique(maintain_order=True).iter_rows()]


def choose_views(run: RunReport) -> tuple[list[View], str]:
    """The few views that tell most, at most `MOST_VIEWS`, and a sentence on how they were picked.

    Few are all shown.  Of many series: the best, the median and the worst by the net's mean absolute error, divided by
    the series' mean absolute change over one season so that large series do not win by size.  With several targets:
    the median series, one view for each of its first targets.
    """
    views = all_views(run.history)
    if len(views) <= MOST_VIEWS:
        return views, ""
    ranked = _ranked(run)
    count = len(ranked)
    if all(view.target is None for view in views):
        best, median, worst = ranked[0], ranked[(count - 1) // 2], ranked[-1]
        picked = [View(best, role="best"), View(median, role="median"), View(worst, role="worst")]
        return picked, f"Of {count} series, three are shown: where {run.name} does best, middling and worst."
    middle = [view for view in views if view.unique_id == ranked[(count - 1) // 2]]
    shown = middle[:MOST_VIEWS]
    return shown, f"Of {len(views)} charts, {len(shown)} are shown: targets of the series with the median error."


def _ranked(run: RunReport) -> list[str]:
    """The series by the net's relative error, smallest first; ties by name, unknown errors last."""
    keys = [key for key in ("unique_id", "target") if key in run.history.columns]
    change = known("y") - known("y").shift(run.metrics.season).over(keys)
    scale = run.history.with_columns(change.abs().alias("change")).group_by(keys).agg(pl.col("change").mean())
    net = run.backtest.filter(pl.col("model") == run.name)
    errors = net.group_by(keys).agg((known("y") - known("mean")).abs().mean().alias("error"))
    relative = errors.join(scale, on=keys, how="right").with_columns(relative=pl.col("error") / pl.col("change"))
    relative = relative.with_columns(pl.col("relative").fill_nan(None).fill_null(float("inf")))
    return (
        relative.group_by("unique_id")
        .agg(pl.col("relative").mean())
        .sort("relative", "unique_id")["unique_id"]
        .to_list()
    )


def known(name: str) -> pl.Expr:
    """A column of numbers in which whatever is missing is null."""
    return pl.col(name).cast(pl.Float64).fill_nan(None)


def longest_view(frame: pl.DataFrame) -> View:
    """The series with the most rows, the first of them when several have: the one whose parts are drawn."""
    keys = [key for key in ("unique_id", "target") if key in frame.columns]
    lengths = frame.group_by(keys, maintain_order=True).len().sort("len", descending=True, maintain_order=True)
    return View(*lengths.select(keys).row(0))


def unit_of(run: RunReport, view: View) -> str:
    """What the vertical axis of a chart measures: the target's name where it is known."""
    return view.target or run.facts.get("target", "value")
