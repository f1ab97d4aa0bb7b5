"""Normalisation inside the window: a recurrent net sees changes, not levels.

The last value is subtracted from the window and added back to the forecast, so a level shift shifts the forecast with
it; without this, recurrent nets fail on any level they have not seen.  With `seasonal`, the forecast is the correction
to the seasonal last values instead: step k starts from the value at the same place of the last season.

    window       y[t-L+1] ... y[t-1] y[t]           anchor = y[t]
    inputs       y - anchor,  y[s] - y[s-1],  (seasonal: y[s] - y[s-m])
    base         last:     y[t] at every step
                 seasonal: y[t-m+k], k = 1..m, repeated over the horizon
    forecast     base + what the net says
"""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

Subtract = Literal["last", "seasonal", "none"]


def window_inputs(past: Float[Tensor, "batch time channels"], targets: int, subtract: Subtract, season: int) -> Tensor:
    """What the encoder reads of the window; (B, L, `input_channels`)."""
    if subtract == "none":
        return past
    relative = past - past[:, -1:]
    y = past[..., :targets]
    parts = [relative, _difference(y, 1)]
    if subtract == "seasonal":
        parts.append(_difference(y, season))
    return torch.cat(parts, dim=-1)


def input_channels(channels: int, targets: int, subtract: Subtract) -> int:
    """How many features `window_inputs` makes of `channels`."""
    return channels + targets * {"none": 0, "last": 1, "seasonal": 2}[subtract]


def forecast_base(
    past: Float[Tensor, "batch time targets"], horizon: int, subtract: Subtract, season: int
) -> Float[Tensor, "batch horizon targets"]:
    """What the net's output is added to."""
    batch, _, targets = past.shape
    if subtract == "none":
        return past.new_zeros(batch, horizon, targets)
    if subtract == "last":
        return past[:, -1:].expand(batch, horizon, targets)
    repeats = -(-horizon // season)
    return past[:, -season:].repeat(1, repeats, 1)[:, :horizon]


def _difference(y: Float[Tensor, "batch time targets"], lag: int) -> Float[Tensor, "batch time targets"]:
    """y[s] - y[s - lag], and 0 where the window does not reach that far back."""
    return torch.cat([torch.zeros_like(y[:, :lag]), y[:, lag:] - y[:, :-lag]], dim=1)
