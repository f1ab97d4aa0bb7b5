"""From what a net says on the scaled values to a forecast in the units of the data.

These are `forecaster/scaling.py` and `evaluation/calibration.py` as functions of tensors.
"""

from typing import NamedTuple, final

import torch
from jaxtyping import Float32, Float64
from torch import Tensor, nn

from gatecast.evaluation.calibration import Calibration
from gatecast.exporting.rows import Series, State


class Spoken(NamedTuple):
    """A forecast: its point, and its quantiles, of which a point forecaster has none."""

    mean: Float64[Tensor, "batch horizon targets"]
    quantiles: Float64[Tensor, "batch horizon targets levels"]


@final
class Saying(nn.Module):
    """Undoes the scaling and moves the quantiles as calibrated.

    Args:
        levels: of the net; none of a point.
        calibration: how far quantiles move; None where they stand as the net says them.
    """

    offsets: Tensor

    def __init__(self, levels: tuple[float, ...], calibration: Calibration | None) -> None:
        super().__init__()
        self.levels, self.calibration = levels, calibration
        self.register_buffer("offsets", torch.from_numpy(calibration.array) if calibration else torch.zeros(0))

    @property
    def needs_changes(self) -> bool:
        """Whether the mean change from row to row is a unit: of a forecast without width, or where asked for."""
        return self.calibration is not None

    def forward(self, said: Float32[Tensor, "batch horizon targets levels"], series: Series, state: State) -> Spoken:
        """The forecast."""
        spoken = self._unscaled(said, series)
        return spoken if self.calibration is None else self._calibrated(spoken, state)

    def _unscaled(self, said: Tensor, series: Series) -> Spoken:
        """Quantiles in order, in the units of the data; what is rounding error of the centre is zero."""
        targets = said.shape[2]
        centre, scale = (part[:, None, :targets, None] for part in (series.centre, series.scale))
        values = said.double().sort(dim=-1).values * scale + centre
        values = torch.where(values.abs() <= centre.abs() * 2.0**-50, torch.zeros_like(values), values)
        if not self.levels:
            return Spoken(values[..., 0], values[..., :0])
        return Spoken(values[..., self.levels.index(0.5)], values)

    def _calibrated(self, spoken: Spoken, state: State) -> Spoken:
        """Each quantile moved by its offset, in units, and in order on each side of the median."""
        assert self.calibration is not None  # noqa: S101 - asked by the caller
        levels = self.calibration.levels
        base = spoken.quantiles if self.levels else spoken.mean.unsqueeze(-1).expand(-1, -1, -1, len(levels))
        moved = base + self._units(base, state).unsqueeze(-1) * self.offsets
        if 0.5 not in levels:
            return Spoken(spoken.mean, moved.sort(dim=-1).values)
        middle = levels.index(0.5)
        median = moved[..., middle : middle + 1]
        below = torch.minimum(moved[..., :middle], median).sort(dim=-1).values
        above = torch.maximum(moved[..., middle + 1 :], median).sort(dim=-1).values
        mean = spoken.mean + (median[..., 0] - base[..., middle])
        return Spoken(mean, torch.cat([below, median, above], dim=-1))

    def _units(self, base: Tensor, state: State) -> Tensor:
        """The width of the forecast; where it has none, the mean change from row to row, or 1 without changes."""
        assert self.calibration is not None  # noqa: S101
        ones = torch.ones_like(state["changes"])
        own = state["change_sum"] / torch.maximum(state["changes"], ones)
        scale = torch.where(state["change_sum"] > 0, own, ones)[:, None]
        width = base[..., -1] - base[..., 0]
        return torch.where(width > 0, width, scale) if self.calibration.unit == "width" else scale.expand_as(width)
