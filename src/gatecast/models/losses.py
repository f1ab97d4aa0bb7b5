"""Losses: the mean over what was observed, and nothing else.

Each maps (actual, output, mask) to one error a step; missing targets have mask 0 and cannot move a weight.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

LossName = Literal["quantile", "mae", "mse", "huber", "normal", "student", "mixture"]
Elementwise = Callable[[Tensor, Tensor], Tensor]


def quantile_loss(
    actual: Float[Tensor, "*shape"], output: Float[Tensor, "*shape levels"], levels: Float[Tensor, " levels"]
) -> Float[Tensor, "*shape levels"]:
    """The pinball loss (Koenker & Bassett 1978): q (y - f) above the forecast, (1 - q) (f - y) below.

    Doubled, so that at the median it is the absolute error.
    """
    error = actual.unsqueeze(-1) - output
    return 2 * torch.maximum(levels * error, (levels - 1) * error)


def _point(loss: Callable[..., Tensor]) -> Elementwise:
    return lambda output, actual: loss(output, actual, reduction="none")


POINT_LOSSES: Mapping[str, Elementwise] = MappingProxyType(
    {"mae": _point(functional.l1_loss), "mse": _point(functional.mse_loss), "huber": _point(functional.huber_loss)}
)


def masked_mean(
    errors: Float[Tensor, "batch horizon targets levels"], mask: Float[Tensor, "batch horizon targets"]
) -> Float[Tensor, ""]:
    """The mean error over observed targets, each multiplied by its mask; 0 when none is observed."""
    return (errors.mean(dim=-1) * mask).sum() / (mask > 0).sum().clamp(min=1)
