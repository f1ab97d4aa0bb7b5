"""What is read at one training step or for one forecast, as tensors: windows, stretches, and their cutoffs."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Cutoffs:
    """What is known at each cutoff beside the encoder's state, and what came after it.

    Attributes:
        past: the targets over the lookback, scaled, missing ones carried forward.
        spread: their running spread at the cutoff (`causal.py`); 1 where nothing is normalised causally.
        known: what is known in advance over the horizon: future covariates, then the calendar.
        actual: the targets over the horizon; 0 where missing.
        mask: how much `actual` counts in the loss where it was observed, else 0.
    """

    past: Float[Tensor, "cutoffs lookback targets"]
    spread: Float[Tensor, "cutoffs targets"]
    known: Float[Tensor, "cutoffs horizon known"]
    actual: Float[Tensor, "cutoffs horizon targets"]
    mask: Float[Tensor, "cutoffs horizon targets"]

    def first_step(self) -> "Cutoffs":
        """The same cutoffs with a horizon of one row."""
        return Cutoffs(self.past, self.spread, *(rows[:, :1] for rows in (self.known, self.actual, self.mask)))


@dataclass(frozen=True, eq=False)
class Batch:
    """Windows as tensors; channels in the panel's order, scaled, missing inputs carried forward.

    Attributes:
        past: every channel over the lookback.
        causal: causal features over the lookback, if the layout has them, codes of past words, and then the targets'
            running spread.
        observed: 1 where `past` was observed, 0 where it was carried forward; then, if the layout has it, how long ago
            each channel was seen before (log1p of the rows).
        known: what is known in advance over the lookback and the horizon: future covariates, then the calendar.
        ahead: causal features of the covariates over the horizon, if the layout has them: of what is known in advance.
        static: covariates of the series, scaled.
        identity: the number of each series among those trained, -1 for a new one.
        age: rows of each series before the cutoff.
        actual: the targets over the horizon; 0 where missing.
        mask: how much `actual` counts in the loss where it was observed, else 0.
    """

    past: Float[Tensor, "batch lookback channels"]
    causal: Float[Tensor, "batch lookback causal"]
    observed: Float[Tensor, "batch lookback flags"]
    known: Float[Tensor, "batch lookback_plus_horizon known"]
    ahead: Float[Tensor, "batch horizon ahead"]
    static: Float[Tensor, "batch static"]
    identity: Int64[Tensor, " batch"]
    age: Int64[Tensor, " batch"]
    actual: Float[Tensor, "batch horizon targets"]
    mask: Float[Tensor, "batch horizon targets"]

    def cutoffs(self) -> Cutoffs:
        """The one cutoff of each window."""
        lookback, targets = self.past.shape[1], self.actual.shape[2]
        ones = self.past.new_ones(self.past.shape[0], targets)
        spread = self.causal[:, -1, -targets:] if self.causal.shape[2] else ones
        return Cutoffs(self.past[..., :targets], spread, self.known[:, lookback:], self.actual, self.mask)

    def apart(self) -> "Batch":
        """Each target as a window of its own, with all covariates: (batch * targets, ...), a window at a time."""
        targets = self.actual.shape[2]
        number = torch.arange(targets, device=self.past.device)
        identity = torch.where(self.identity[:, None] < 0, -1, self.identity[:, None] * targets + number)

        def split(rows: Tensor, own: int) -> Tensor:
            """The first `own` columns one by one, each followed by all the others."""
            single = rows[..., :own].movedim(2, 1).flatten(0, 1).unsqueeze(-1)  # (B * targets, time, 1)
            return torch.cat([single, rows[..., own:].repeat_interleave(targets, dim=0)], dim=-1)

        return Batch(
            past=split(self.past, targets),
            causal=self.causal.repeat_interleave(targets, dim=0),
            observed=torch.cat([split(part, targets) for part in self.observed.split(self.past.shape[2], -1)], dim=-1),
            known=self.known.repeat_interleave(targets, dim=0),
            ahead=self.ahead.repeat_interleave(targets, dim=0),
            static=self.static.repeat_interleave(targets, dim=0),
            identity=identity.flatten(),
            age=self.age.repeat_interleave(targets, dim=0),
            actual=split(self.actual, targets),
            mask=split(self.mask, targets),
        )


@dataclass(frozen=True, eq=False)
class Stretch:
    """Rows that are read one after another, with a cutoff after each; B series at once, T rows of each.

    Attributes:
        causal: causal features of the rows read, codes of past words, and then the targets' running spread.
        observed: 1 where a channel was observed, else 0; then, if the layout has it, how long ago it was seen before.
        known: what is known in advance of the rows read and of one horizon more.
        static: covariates of the series, scaled.
        identity: the number of each series among those trained, -1 for a new one.
        values: the targets, from `lookback` - 1 rows before the first row read to one horizon after the last.
        mask: how much `values` counts in the loss where it was observed and may be learnt from, else 0.
    """

    causal: Float[Tensor, "batch time causal"]
    observed: Float[Tensor, "batch time flags"]
    known: Float[Tensor, "batch time_plus_horizon known"]
    static: Float[Tensor, "batch static"]
    identity: Int64[Tensor, " batch"]
    values: Float[Tensor, "batch lookback_time_horizon targets"]
    mask: Float[Tensor, "batch lookback_time_horizon targets"]

    def cutoffs(self, skip: int = 0) -> Cutoffs:
        """The cutoffs after each row read but the first `skip`: (batch * (time - skip), ...), a series at a time."""
        time, targets = self.causal.shape[1], self.values.shape[2]
        horizon = self.known.shape[1] - time
        lookback = self.values.shape[1] - time - horizon + 1

        def after(rows: Tensor, first: int, length: int) -> Tensor:
            """Rows `first` to `first + length` as each cutoff sees them."""
            views = rows[:, first + skip : first + time - 1 + length].unfold(1, length, 1)  # (B, T - skip, F, length)
            return views.flatten(0, 1).transpose(1, 2)

        mask = after(self.mask, lookback, horizon)
        return Cutoffs(
            past=after(self.values, 0, lookback),
            spread=self.causal[:, skip:, -targets:].flatten(0, 1),
            known=after(self.known, 1, horizon),
            actual=after(self.values, lookback, horizon) * (mask > 0),
            mask=mask,
        )
