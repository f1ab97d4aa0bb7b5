"""What was said of each series is held against what comes: intervals that follow it, coverage, errors, an alarm.

Every `every` rows of a series a forecast is made from where it stands, and kept until its rows have come.  It moves the
quantiles as `evaluation/adaptive.py` says; with a forecast from every row the two are the same.

The alarm is a cumulative sum (Page 1954): of how far each error lies above one and a half times the usual one, in usual
ones, never below zero.  Noise keeps it near zero; errors that have doubled raise it by a half with each row.

Settling is a function of the rows since the last forecast was made, and is written down only when the next one is: what
is looked at in between changes nothing.
"""

from typing import NamedTuple, final

import numpy as np
from jaxtyping import Float64, Int64

from gatecast.evaluation.calibration import Calibration
from gatecast.streaming.options import StreamOptions
from gatecast.streaming.residents import MOST_ROWS, Kept, Residents
from gatecast.streaming.shape import Shape

NONE = -1  # no forecast
MEMORY = 200  # errors that the usual one is the mean of
LEARNING = 48  # errors before there is a usual one
ALLOWED = 0.5  # usual errors above the usual one that count as noise
OUTLIER = 6.0  # usual errors, beyond which one error counts no more: it takes several to set the alarm off
CEILING = 2.0  # alarms: so that it can go off again


class Told(NamedTuple):
    """Of the rows since the last forecast, oldest first, NaN where nothing was said; of several targets the first."""

    low: Float64[np.ndarray, "n rows"]
    median: Float64[np.ndarray, "n rows"]
    high: Float64[np.ndarray, "n rows"]


class Standing(NamedTuple):
    """Where some series stand once every row is settled.

    Attributes:
        own: how far the quantiles of each step have moved.
        shared: how far those of all steps have.
        scale: the mean change from row to row, as `evaluation.calibration.past_scale` has it.
        numbers: what else is kept, by name.
        told: of the rows that had not been settled.
        rows: their positions.
    """

    own: Float64[np.ndarray, "n horizon targets levels"]
    shared: Float64[np.ndarray, "n targets levels"]
    scale: Float64[np.ndarray, "n targets"]
    numbers: dict[str, Float64[np.ndarray, "..."]]
    told: Told
    rows: Int64[np.ndarray, "n rows"]

    @property
    def offsets(self) -> Float64[np.ndarray, "n horizon targets levels"]:
        """How far each quantile is moved."""
        return self.own + self.shared[:, None]


NUMBERS = ("scored", "inside", "error_sum", "error", "usual", "weight", "sum")
CHANGES = ("change_sum", "changes")


def kept_of_tracking(shape: Shape, start: Calibration) -> dict[str, Kept]:
    """What is kept of each series so that forecasts can be settled."""
    spread = (shape.targets, len(start.levels))
    open_ones = -(-shape.horizon // shape.every)
    return {
        "own": Kept((shape.horizon, *spread), np.float64, start.array),
        "shared": Kept(spread, np.float64),
        "said": Kept((open_ones, shape.horizon, *spread), np.float64, np.nan),
        "issued": Kept((open_ones,), np.int64, NONE, NONE, MOST_ROWS),
        "settled": Kept((), np.int64, most=MOST_ROWS),
        "told": Kept((shape.shown, 3), np.float32, np.nan),
        **{name: Kept((), np.float64, np.nan if name == "error" else 0.0) for name in NUMBERS},
        **{name: Kept((shape.targets,), np.float64) for name in CHANGES},
    }


@final
class Tracker:
    """Settles what was said.

    Args:
        shape: sizes.
        residents: with what `kept_of_tracking` and `kept_of_rows` name.
        start: the calibration that every series begins with.
        options: how far an error moves quantiles, and what sets the alarm off.
    """

    def __init__(self, shape: Shape, residents: Residents, start: Calibration, options: StreamOptions) -> None:
        self.shape, self.residents, self.start, self.options = shape, residents, start, options
        self.levels = np.asarray(start.levels)
        self.rates = (options.rate, options.shared_rate) if options.intervals == "adaptive" else (0.0, 0.0)

    def remember(
        self,
        slots: Int64[np.ndarray, " n"],
        said: Float64[np.ndarray, "n horizon targets levels"] | None,
        standing: Standing,
    ) -> None:
        """Write down where some series stand, and keep what is said of them now, if anything."""
        kept, count = self.residents, self.residents["count"][slots]
        for name, part in (("own", standing.own), ("shared", standing.shared), *standing.numbers.items()):
            kept[name][slots] = part
        fresh = standing.rows < count[:, None]
        series, row = np.nonzero(fresh)
        kept["told"][slots[series], standing.rows[series, row] % self.shape.shown] = np.stack(standing.told, axis=-1)[
            fresh
        ]
        kept["settled"][slots] = count
        if said is not None:
            place = count // self.shape.every % kept["issued"].shape[1]
            kept["said"][slots, place], kept["issued"][slots, place] = said, count

    def standing(self, slots: Int64[np.ndarray, " n"]) -> Standing:
        """Where some series stand once every row that came is settled."""
        kept, count = self.residents, self.residents["count"][slots]
        settled = kept["settled"][slots]
        pending = int((count - settled).max(initial=0))
        rows = settled[:, None] + np.arange(pending)  # (n, rows)
        here = slots[:, None]
        actual = self._came(here, rows, count)
        issued = kept["issued"][slots]
        step = rows[:, :, None] - issued[:, None]  # (n, rows, open)
        due = (
            (issued[:, None] != NONE) & (step >= 0) & (step < self.shape.horizon) & (rows < count[:, None])[:, :, None]
        )
        step = np.where(due, step, 0)
        said = kept["said"][here[..., None], np.arange(issued.shape[1]), step]  # (n, rows, open, targets, levels)
        own, shared = self._moved(slots, actual, said, step, due)
        told, numbers = self._told(said, step, due), {name: kept[name][slots] for name in (*NUMBERS, *CHANGES)}
        self._count(numbers, actual[..., 0], told)
        self._change(numbers, np.concatenate([self._came(here, rows[:, :1] - 1, count), actual], axis=1))
        scale = np.where(numbers["change_sum"] > 0, numbers["change_sum"] / np.maximum(numbers["changes"], 1), 1.0)
        return Standing(own, shared, scale, numbers, told, rows)

    def _came(self, here: np.ndarray, rows: np.ndarray, count: np.ndarray) -> np.ndarray:
        """What came in some rows, NaN in those that have not; (n, rows, targets)."""
        actual = self.residents["raw"][here, rows % self.shape.shown].astype(np.float64)
        actual[(rows >= count[:, None]) | (rows < 0)] = np.nan
        return actual

    def _change(self, numbers: dict[str, np.ndarray], actual: np.ndarray) -> None:
        """The sum of the changes from row to row, one after another, and how many there were."""
        change = np.abs(np.diff(actual, axis=1))
        steps = np.concatenate([numbers["change_sum"][:, None], np.nan_to_num(change)], axis=1)
        numbers["change_sum"] = np.add.accumulate(steps, axis=1)[:, -1]
        numbers["changes"] = numbers["changes"] + np.isfinite(change).sum(axis=1)

    def _moved(
        self, slots: np.ndarray, actual: np.ndarray, said: np.ndarray, step: np.ndarray, due: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The offsets after all of the rows: of each step, and of all."""
        own, shared = self.residents["own"][slots], self.residents["shared"][slots]
        if self.rates == (0.0, 0.0) or not due.any():
            return own, shared
        came = actual[:, :, None, :, None]  # (n, rows, open, targets, levels)
        counts = due[..., None, None] & np.isfinite(came)
        moves = np.where(counts, self.levels - (came <= said), 0.0)
        if not self.start.move_median:
            moves[..., self.levels == 0.5] = 0.0
        series = np.broadcast_to(np.arange(len(slots))[:, None, None], step.shape)
        np.add.at(own, (series, step), self.rates[0] * moves)
        mean = moves.sum(axis=2) / np.maximum(due.sum(axis=2), 1)[..., None, None]
        steps = np.concatenate([shared[:, None], self.rates[1] * mean], axis=1)
        return own, np.add.accumulate(steps, axis=1)[:, -1]

    def _told(self, said: np.ndarray, step: np.ndarray, due: np.ndarray) -> Told:
        """What the newest forecast had said of each row."""
        newest = np.where(due, step, self.shape.horizon).argmin(axis=2)  # (n, rows)
        first = np.take_along_axis(said[:, :, :, 0], newest[..., None, None], axis=2)[:, :, 0]  # (n, rows, levels)
        first = np.where(np.any(due, axis=2, keepdims=True), first, np.nan)
        middle = first[..., len(self.levels) // 2 if 0.5 not in self.start.levels else self.start.levels.index(0.5)]
        return Told(first.min(axis=-1), middle, first.max(axis=-1))

    def _count(self, numbers: dict[str, np.ndarray], actual: np.ndarray, told: Told) -> None:
        """Coverage, errors and the alarm's sum after all of the rows."""
        error = np.abs(actual - told.median)
        known = np.isfinite(error)
        error = np.where(known, error, 0.0)
        fresh = known.sum(axis=1)
        numbers["scored"] = numbers["scored"] + fresh
        numbers["inside"] = numbers["inside"] + (known & (told.low <= actual) & (actual <= told.high)).sum(axis=1)
        numbers["error_sum"] = numbers["error_sum"] + error.sum(axis=1)
        if error.shape[1]:
            last = error.shape[1] - 1 - known[:, ::-1].argmax(axis=1)
            newest = np.take_along_axis(error, last[:, None], axis=1)[:, 0]
            numbers["error"] = np.where(fresh > 0, newest, numbers["error"])
            self._alarm(numbers, error, known)

    def _alarm(self, numbers: dict[str, np.ndarray], error: np.ndarray, known: np.ndarray) -> None:
        """The cumulative sum over the rows, against the usual error before them; then the usual error with them."""
        usual, weight = numbers["usual"], numbers["weight"]
        ratio = error / np.where(usual > 0, usual, np.inf)[:, None]
        counts = known & (weight >= LEARNING)[:, None]
        walk = np.cumsum(np.where(counts, np.minimum(ratio, OUTLIER) - 1 - ALLOWED, 0.0), axis=1)
        lowest = np.minimum(np.minimum.accumulate(walk, axis=1)[:, -1], -numbers["sum"])
        numbers["sum"] = np.clip(walk[:, -1] - lowest, 0.0, CEILING * self.options.alarm)
        numbers["weight"] = np.minimum(weight + known.sum(axis=1), MEMORY)
        gap = np.where(known, error - usual[:, None], 0.0).sum(axis=1)
        numbers["usual"] = usual + gap / np.maximum(numbers["weight"], 1)
