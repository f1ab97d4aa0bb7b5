"""The training log as curves: the loss, its smoothed course, and the validation loss."""

from collections.abc import Mapping, Sequence
from math import isfinite

import polars as pl

from gatecast.reporting.rows import MOST_POINTS

Log = Sequence[Mapping[str, float | int | None]]


def curve(steps: Log, name: str) -> pl.DataFrame:
    """The columns `step` and `name` of the lines that carry a finite value of it."""
    pairs = [(line.get("step"), line.get(name)) for line in steps]
    known = [(step, value) for step, value in pairs if step is not None and value is not None and isfinite(value)]
    return pl.DataFrame(known, schema={"step": pl.Float64, name: pl.Float64}, orient="row", strict=False)


def losses(steps: Log) -> pl.DataFrame:
    """`step, loss, smooth`: `smooth` is an exponential mean over about a twentieth of the log; at most MOST_POINTS."""
    rows = curve(steps, "loss")
    rows = rows.with_columns(smooth=pl.col("loss").ewm_mean(span=max(5.0, len(rows) / 20)))
    return rows.gather_every(max(1, -(-len(rows) // MOST_POINTS)))


def validation(steps: Log) -> pl.DataFrame:
    """`step, validation`: the lines on which the validation loss was taken."""
    return curve(steps, "validation")


def spread(steps: Log) -> float:
    """Largest over smallest value of the curves; 0 when one is not positive, so that no logarithm can be drawn."""
    every = [*losses(steps)["loss"], *validation(steps)["validation"]]
    return max(every) / min(every) if every and min(every) > 0 else 0.0
