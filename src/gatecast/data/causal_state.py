"""The recursion behind `causal.py`, one row at a time: what a stream keeps, and what a net reads of its own forecasts.

A running mean after n rows has a weight that is a function of n alone, so a state is the means, the count of rows and
the last season of values.  `advance` adds a row in O(1) and has the bits of `causal` in float64.
"""

from dataclasses import dataclass
from functools import cache
from typing import final

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gatecast.data.causal import FAST, FIRST_ROWS, LEAST_SPREAD, MOST, SLOW, running_mean, running_spread


@final
@dataclass(frozen=True, eq=False)
class CausalState:
    """What the past of each of B series comes to; a value.

    Attributes:
        rows: how many rows each has seen.
        fast: running mean of each channel with a memory of about 10 rows.
        slow: of about 100 rows.
        spread: running mean of what lies between values and their slow mean.
        recent: the last season of values, the newest last; of a series younger than that, anything before its start.
        targets: the first so many channels are targets.
    """

    rows: Int64[Tensor, " batch"]
    fast: Float[Tensor, "batch channels"]
    slow: Float[Tensor, "batch channels"]
    spread: Float[Tensor, "batch channels"]
    recent: Float[Tensor, "batch season channels"]
    targets: int

    @classmethod
    def start(cls, batch: int, channels: int, targets: int, season: int) -> "CausalState":
        """Before the first row, in float64."""
        zeros = torch.zeros(batch, channels, dtype=torch.float64)
        recent = torch.zeros(batch, season, channels, dtype=torch.float64)
        return cls(torch.zeros(batch, dtype=torch.int64), zeros, zeros, torch.ones_like(zeros), recent, targets)

    @classmethod
    def after(
        cls,
        recent: Float[Tensor, "batch season targets"],
        features: Float[Tensor, "batch causal"],
        rows: Int64[Tensor, " batch"],
        channels: int,
    ) -> "CausalState":
        """The state of the targets after a row whose features, and then their spreads, are known.

        A spread on its floor is taken for the floor: what was below it cannot be told.

        Args:
            recent: the last season of the targets, that row last.
            features: what `causal` makes of that row, then the targets' spreads.
            rows: of the series up to that row, itself among them.
            channels: how many channels the features are of.
        """
        newest, targets = recent[:, -1], recent.shape[2]
        spread = features[:, -targets:]
        fast = newest - features[:, channels : channels + targets] * spread
        slow = newest - features[:, 2 * channels : 2 * channels + targets] * spread
        return cls(rows, fast, slow, spread, recent, targets)

    @classmethod
    def before(
        cls,
        values: Float[np.ndarray, "series_rows channels"],
        rows: Int64[np.ndarray, " batch"],
        targets: int,
        season: int,
    ) -> "CausalState":
        """The states before some rows of one series, from all rows before them, in float64.

        Args:
            values: one row of that series or more, as `causal` reads them.
            rows: their numbers, up to the length of the series.
            targets: the first so many channels are targets.
            season: rows of one season.
        """
        ends = np.array([0, len(values)])
        mean = running_mean(values, ends, SLOW)
        means = (running_mean(values, ends, FAST), mean, running_spread(np.abs(values - mean), ends))
        starts = (np.zeros_like(values[:1]), np.zeros_like(values[:1]), np.ones_like(values[:1]))
        fast, slow, spread = (
            torch.from_numpy(np.concatenate([start, mean])[rows]) for start, mean in zip(starts, means, strict=True)
        )
        recent = values[np.maximum(rows[:, None] + np.arange(-season, 0), 0)]
        return cls(torch.from_numpy(rows), fast, slow, spread, torch.from_numpy(recent), targets)

    @property
    def unit(self) -> Float[Tensor, "batch targets"]:
        """The spread of the targets that forecasts from the newest row are said in."""
        return self.spread[:, : self.targets].clamp(min=LEAST_SPREAD)

    def advance(self, values: Float[Tensor, "batch channels"]) -> tuple[Float[Tensor, "batch causal"], "CausalState"]:
        """One row more: its features, as `causal` has them, and the state after it."""
        fast = _moved(self.fast, values, FAST, self.rows)
        slow = _moved(self.slow, values, SLOW, self.rows)
        spread = _moved(self.spread, (values - slow).abs(), SLOW, self.rows + FIRST_ROWS)
        season, unit = self.recent.shape[1], spread.clamp(min=LEAST_SPREAD)
        parts = [part / unit for part in (self._change(values, 1), values - fast, values - slow)]
        if season > 1:
            parts.append(self._change(values, season)[:, : self.targets] / unit[:, : self.targets])
        parts.append(values[:, self.targets :].clamp(-MOST, MOST))
        recent = torch.cat([self.recent[:, 1:], values.unsqueeze(1)], dim=1)
        return torch.cat(parts, dim=1), CausalState(self.rows + 1, fast, slow, spread, recent, self.targets)

    def repeated(self, times: int) -> "CausalState":
        """Each series so many times, its copies side by side."""
        rows, fast, slow, spread, recent = (
            part.repeat_interleave(times, dim=0) for part in (self.rows, self.fast, self.slow, self.spread, self.recent)
        )
        return CausalState(rows, fast, slow, spread, recent, self.targets)

    def _change(self, values: Float[Tensor, "batch channels"], lag: int) -> Float[Tensor, "batch channels"]:
        """The change since `lag` rows ago; 0 for the first rows of a series."""
        change = values - self.recent[:, -lag]
        return torch.where(self.rows[:, None] < lag, torch.zeros_like(change), change)


def _moved(
    mean: Float[Tensor, "batch channels"],
    values: Float[Tensor, "batch channels"],
    factor: float,
    before: Int64[Tensor, " batch"],
) -> Float[Tensor, "batch channels"]:
    """A running mean with one value more than the `before` it has seen."""
    weights = weights_of_mean(factor)
    share = 1 / weights[before.clamp(max=len(weights) - 1)]
    return mean + (values - mean) * share.to(mean.dtype)[:, None]


@cache
def weights_of_mean(factor: float) -> Float[Tensor, " rows"]:
    """The weight of a running mean after 1, 2, ... rows, up to where rounding keeps it from growing."""
    weights = [1.0]
    while (after := weights[-1] * factor + 1) != weights[-1]:
        weights.append(after)
    return torch.tensor(weights, dtype=torch.float64)
