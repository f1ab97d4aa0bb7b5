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
    """

    frame: Frame
    past: Float[Tensor, "paths lookback targets"]
    level: Float[Tensor, "paths one channels"]
    unit: Float[Tensor, "paths one channels"]
    running: CausalState | None

    @classmethod
    def at(cls, batch: Batch, frame: Frame) -> "Feedback":
        """At the cutoff of each window."""
        targets = batch.actual.shape[2]
        past = batch.past[..., :targets]
        if frame.normalise != "causal":
            return cls(frame, past, *level_and_unit(batch.past, frame), None)
        running = CausalState.after(past[:, -frame.season :], batch.causal[:, -1], batch.age, batch.past.shape[2])
        return cls(frame, past, past[:, -1:], running.unit.unsqueeze(1), running)

    def repeated(self, times: int) -> "Feedback":
        """Each window so many times, its copies side by side."""
        past, level, unit = (part.repeat_interleave(times, dim=0) for part in (self.past, self.level, self.unit))
        return Feedback(self.frame, past, level, unit, self.running and self.running.repeated(times))

    def ground(self) -> Ground:
        """What the next step starts from, the unit it is said in, and the window in its terms."""
        targets = self.past.shape[2]
        level, unit = self.level[..., :targets], self.unit[..., :targets]
        return Ground(forecast_base(self.past, 1, self.frame, level), unit, (self.past - level) / unit, self.past)

    def advance(
        self,
        value: Float[Tensor, "paths one targets"],
        planned: Float[Tensor, "paths one future"],
        ahead: Float[Tensor, "paths one ahead"],
    ) -> tuple[Float[Tensor, "paths one features"], "Feedback"]:
        """Take a forecast for the row that it forecasts: what the encoder reads of that row, and where that leads.

        Args:
            value: the forecast.
            planned: the future covariates of that row.
            ahead: their causal features.
        """
        past = torch.cat([self.past[:, 1:], value], dim=1)
        if self.running is not None:
            own, running = self.running.advance(value[:, 0])
            level, unit = value, running.unit.unsqueeze(1)
            row = _beside(torch.cat([own, running.unit], dim=1).unsqueeze(1), ahead, value.shape[2])
            return row, replace(self, past=past, level=level, unit=unit, running=running)
        row = torch.cat([value, planned], dim=-1)
        if self.frame.normalise != "none":
            own_unit = self.unit[..., : value.shape[2]]
            parts = [(row - self.level) / self.unit, (value - self.past[:, -1:]) / own_unit]
            if self.frame.subtract == "seasonal":
                parts.append((value - self.past[:, -self.frame.season, None]) / own_unit)
            row = torch.cat(parts, dim=-1)
        return row, replace(self, past=past)


def _beside(
    own: Float[Tensor, "paths one own"], ahead: Float[Tensor, "paths one ahead"], targets: int
) -> Float[Tensor, "paths one features"]:
    """The features of the targets and those of the covariates in the order of `causal`, then the targets' spreads."""
    if not ahead.shape[2]:
        return own
    changes, covariates = own[..., : 3 * targets].split(targets, dim=-1), ahead.chunk(4, dim=-1)
    both = [part for pair in zip(changes, covariates[:3], strict=True) for part in pair]
    return torch.cat([*both, own[..., 3 * targets : -targets], covariates[3], own[..., -targets:]], dim=-1)
