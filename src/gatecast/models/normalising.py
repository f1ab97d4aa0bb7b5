"""Normalisation: a recurrent net sees changes, not levels.

A level shift must shift the forecast with it, and a louder stretch must make it wider; without this, recurrent nets
fail on any level they have not seen.  Everything is undone on the forecast.

    normalise    level                     unit                      the encoder reads
    last         y[t]                      1                         y - level, changes
    standard     mean of the window        its standard deviation    (y - level) / unit, changes / unit
    meanabs      mean of the window        its mean |y - level|      (y - level) / unit, changes / unit
    causal       y[t]                      running spread at t       causal features (data/causal.py)
    none         0                         1                         y

With `subtract="seasonal"`, mean and deviation are those of the last season of the window.  What the forecast starts
from is its base, by `subtract`:

    last         y[t] at every step
    seasonal     y[t-m+k], k = 1..m, repeated over the horizon
    mean         the mean of the window (where a state is carried, of the rows that its linear part reads)
    none         the level
    forecast     base + unit * what the net says
"""

from typing import Literal, NamedTuple

import torch
from jaxtyping import Float
from msgspec import Struct
from torch import Tensor

from gatecast.data.batches import Cutoffs

Subtract = Literal["last", "seasonal", "mean", "none"]
Normalise = Literal["last", "standard", "meanabs", "causal", "none"]
LEAST_UNIT = 1e-3  # of the scaled values: a constant window has no deviation of its own


class Frame(Struct, frozen=True):
    """How values are seen.

    Attributes:
        normalise: `last`, `standard`, `meanabs`, `causal` or `none`.
        subtract: what the forecast starts from: `last`, `seasonal`, `mean` or `none`.
        season: rows of one season, for `subtract="seasonal"`.
    """

    normalise: Normalise
    subtract: Subtract
    season: int


class Ground(NamedTuple):
    """What a forecast stands on: `base + unit * said`; the window in its terms; and the window as it is."""

    base: Float[Tensor, "cutoffs horizon targets"]
    unit: Float[Tensor, "cutoffs one targets"]
    window: Float[Tensor, "cutoffs lookback targets"]
    past: Float[Tensor, "cutoffs lookback targets"]

    def of_counts(self) -> "Ground":
        """That of counts, which are said as they are."""
        return self._replace(base=torch.zeros_like(self.base), unit=torch.ones_like(self.unit))


def window_inputs(past: Float[Tensor, "batch time channels"], targets: int, frame: Frame, *, steps: bool) -> Tensor:
    """What the encoder reads of a window; (B, L, `input_channels`).

    `steps` says that rows are read one by one, so that changes help; a segment of rows shows its changes by itself.
    """
    if frame.normalise == "none":
        return past
    level, unit = level_and_unit(past, frame)
    if not steps:
        return (past - level) / unit
    y = past[..., :targets]
    parts = [(past - level) / unit, _difference(y, 1) / unit[..., :targets]]
    if frame.subtract == "seasonal":
        parts.append(_difference(y, frame.season) / unit[..., :targets])
    return torch.cat(parts, dim=-1)


def input_channels(channels: int, targets: int, frame: Frame, *, steps: bool) -> int:
    """How many features `window_inputs` makes of `channels`."""
    if frame.normalise == "none" or not steps:
        return channels
    return channels + targets * (2 if frame.subtract == "seasonal" else 1)


def ground(cutoffs: Cutoffs, frame: Frame) -> Ground:
    """What forecasts from these cutoffs start from, in which unit they are said, and the window in that unit."""
    past, horizon = cutoffs.past, cutoffs.known.shape[1]
    if frame.normalise == "causal":
        level, unit = past[:, -1:], cutoffs.spread.unsqueeze(1)
    else:
        level, unit = level_and_unit(past, frame)
    return Ground(forecast_base(past, horizon, frame, level), unit, (past - level) / unit, past)


def forecast_base(
    past: Float[Tensor, "batch time targets"],
    horizon: int,
    frame: Frame,
    level: Float[Tensor, "batch one targets"],
) -> Float[Tensor, "batch horizon targets"]:
    """What the net's output is added to."""
    if frame.subtract == "seasonal":
        repeats = -(-horizon // frame.season)
        return past[:, -frame.season :].repeat(1, repeats, 1)[:, :horizon]
    if frame.subtract == "mean":
        return past.mean(dim=1, keepdim=True).expand(-1, horizon, -1)
    start = level if frame.subtract == "none" else past[:, -1:]
    return start.expand(-1, horizon, -1)


def level_and_unit(past: Float[Tensor, "batch time channels"], frame: Frame) -> tuple[Tensor, Tensor]:
    """The level and the unit of each window, both (B, 1, channels)."""
    last = past[:, -1:]
    if frame.normalise == "last":
        return last, torch.ones_like(last)
    if frame.normalise == "none":
        return torch.zeros_like(last), torch.ones_like(last)
    recent = past[:, -frame.season :] if frame.subtract == "seasonal" else past
    level = recent.mean(dim=1, keepdim=True)
    away = recent - level
    if frame.normalise == "meanabs":
        unit = away.abs().mean(dim=1, keepdim=True)
    else:
        unit = away.square().mean(dim=1, keepdim=True).sqrt()
    return level, unit.clamp(min=LEAST_UNIT)


def _difference(y: Float[Tensor, "batch time targets"], lag: int) -> Float[Tensor, "batch time targets"]:
    """y[s] - y[s - lag], and 0 where the window does not reach that far back."""
    return torch.cat([torch.zeros_like(y[:, :lag]), y[:, lag:] - y[:, :-lag]], dim=1)
