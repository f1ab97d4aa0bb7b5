"""What a net reads when its own forecast takes the place of the next row.

The level and the unit of a window stay those of the cutoff, for the state has read everything before in them.  Causal
features go on row by row (`data/causal_state.py`), and with them the level and the unit that each step is said in.
"""

from dataclasses import dataclass, replace
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from gatecast.data.batches import Batch
from gatecast.data.causal_state import CausalState
from gatecast.models.normalising import Frame, Ground, forecast_base, level_and_unit


@final
@dataclass(frozen=True, eq=False)
class Feedback:
    """Where a net stands that reads its own forecasts; a value.

    Attributes:
        frame: how values are seen.
        past: the targets over the lookback, the newest last, forecasts among them.
        level: of the window at the cutoff, of every channel.
        unit: likewise.
        running: what stands for both where values are normalised causally; else None.
        observed: the flags of the newest row, and how long ago each channel was seen before it.
    """

    frame: Frame
    past: Float[Tensor, "paths lookback targets"]
    level: Float[Tensor, "paths one channels"]
    unit: Float[Tensor, "paths one channels"]
    running: CausalState | None
    observed: Float[Tensor, "paths one flags"]

    @classmethod
    def at(cls, batch: Batch, frame: Frame, numbers: tuple[int, ...]) -> "Feedback":
        """At the cutoff of each window; `numbers` are the channels that are no words."""
        targets, channels, observed = batch.actual.shape[2], batch.past.shape[2], batch.observed[:, -1:]
        if observed.shape[2] == channels:  # a net that reads no flags has no times beside them
            observed = torch.cat([observed, torch.zeros_like(observed)], dim=-1)
        past = batch.past[..., :targets]
        if frame.normalise != "causal":
            return cls(frame, past, *level_and_unit(batch.past[..., list(numbers)], frame), None, observed)
        running = CausalState.after(past[:, -frame.season :], batch.causal[:, -1], batch.age, len(numbers))
        return cls(frame, past, past[:, -1:], running.unit.unsqueeze(1), running, observed)

    def repeated(self, times: int) -> "Feedback":
        """Each window so many times, its copies side by side."""
        past, level, unit, observed = (
            part.repeat_interleave(times, dim=0) for part in (self.past, self.level, self.unit, self.observed)
        )
        return Feedback(self.frame, past, level, unit, self.running and self.running.repeated(times), observed)

    def ground(self) -> Ground:
        """What the next step starts from, the unit it is said in, and the window in its terms."""
        targets = self.past.shape[2]
        level, unit = self.level[..., :targets], self.unit[..., :targets]
        return Ground(forecast_base(self.past, 1, self.frame, level), unit, (self.past - level) / unit, self.past)

    def advance(
        self,
        value: Float[Tensor, "paths one targets"],
        planned: Float[Tensor, "paths one planned"],
        ahead: Float[Tensor, "paths one ahead"],
    ) -> tuple[Float[Tensor, "paths one features"], "Feedback"]:
        """Take a forecast for the row that it forecasts: what the encoder reads of that row, and where that leads.

        Args:
            value: the forecast.
            planned: the future covariates of that row that are no words.
            ahead: their causal features.
        """
        past, observed = torch.cat([self.past[:, 1:], value], dim=1), _all_seen(self.observed)
        if self.running is not None:
            own, running = self.running.advance(value[:, 0])
            level, unit = value, running.unit.unsqueeze(1)
            row = _beside(torch.cat([own, running.unit], dim=1).unsqueeze(1), ahead, value.shape[2])
            return row, replace(self, past=past, level=level, unit=unit, running=running, observed=observed)
        row = torch.cat([value, planned], dim=-1)
        if self.frame.normalise != "none":
            own_unit = self.unit[..., : value.shape[2]]
            parts = [(row - self.level) / self.unit, (value - self.past[:, -1:]) / own_unit]
            if self.frame.subtract == "seasonal":
                parts.append((value - self.past[:, -self.frame.season, None]) / own_unit)
            row = torch.cat(parts, dim=-1)
        return row, replace(self, past=past, observed=observed)


def _all_seen(before: Float[Tensor, "paths one flags"]) -> Float[Tensor, "paths one flags"]:
    """The flags of a row that is observed in full, after one with these; with times as `data/missing.py` has them."""
    seen, since = before.chunk(2, dim=-1)
    return torch.cat([torch.ones_like(seen), torch.log1p(1 + (1 - seen) * torch.expm1(since))], dim=-1)


def _beside(
    own: Float[Tensor, "paths one own"], ahead: Float[Tensor, "paths one ahead"], targets: int
) -> Float[Tensor, "paths one features"]:
    """The features of the targets and those of the covariates in the order of `causal`, then the targets' spreads."""
    if not ahead.shape[2]:
        return own
    changes, covariates = own[..., : 3 * targets].split(targets, dim=-1), ahead.chunk(4, dim=-1)
    both = [part for pair in zip(changes, covariates[:3], strict=True) for part in pair]
    return torch.cat([*both, own[..., 3 * targets : -targets], covariates[3], own[..., -targets:]], dim=-1)
