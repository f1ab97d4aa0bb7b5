"""Losses: the mean over what was observed, and nothing else.

Each maps (actual, output, mask) to one error a step; missing targets have mask 0 and cannot move a weight.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from gatecast.kernels import is_transformed

LossName = Literal["quantile", "mae", "mse", "huber", "normal", "student", "mixture", "negative_binomial"]
LEAST_SIZE = 1e-3  # of the scaled values: near zero every error is relatively large
Elementwise = Callable[[Tensor, Tensor], Tensor]


def quantile_loss(
    actual: Float[Tensor, "*shape"], output: Float[Tensor, "*shape levels"], levels: Float[Tensor, " levels"]
) -> Float[Tensor, "*shape"]:
    """The pinball loss (Koenker & Bassett 1978): q (y - f) above the forecast, (1 - q) (f - y) below; mean over levels.

    Doubled, so that at the median it is the absolute error.
    """
    if is_transformed():  # torch.vmap knows no rule for a function of our own
        error = actual.unsqueeze(-1) - output
        return (error * _slope(error, levels)).sum(dim=-1)
    return _Pinball.apply(actual, output, levels)  # type: ignore[no-untyped-call]


def _slope(error: Float[Tensor, "*shape levels"], levels: Float[Tensor, " levels"]) -> Float[Tensor, "*shape levels"]:
    """The derivative of the loss by the error."""
    return (levels - (error < 0).to(error.dtype)).mul_(2 / len(levels))


class _Pinball(torch.autograd.Function):
    """The slope is known once the error is.

    With a forecast from every row there are many errors: ten small steps by torch would cost more than the net.
    """

    @staticmethod
    def forward(ctx: Any, actual: Tensor, output: Tensor, levels: Tensor) -> Tensor:  # noqa: ANN401 - torch's own context
        error = actual.unsqueeze(-1) - output
        slope = _slope(error, levels)
        ctx.save_for_backward(slope)
        return error.mul_(slope).sum(dim=-1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        (slope,) = ctx.saved_tensors
        moved = slope * grad.unsqueeze(-1)
        return moved.sum(dim=-1) if ctx.needs_input_grad[0] else None, moved.neg_(), None


def relative_error(actual: Float[Tensor, "*shape"], output: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Twice |y - f| over |y| + |f| (Makridakis 1993, sMAPE); no gradient flows through what it is divided by.

    It means something for values whose zero is zero: scaled by `meanabs` or not at all.
    """
    size = (actual.abs() + output.detach().abs()).clamp(min=LEAST_SIZE)
    return 2 * (actual - output).abs() / size


def _point(loss: Callable[..., Tensor]) -> Elementwise:
    return lambda output, actual: loss(output, actual, reduction="none")


POINT_LOSSES: Mapping[str, Elementwise] = MappingProxyType(
    {"mae": _point(functional.l1_loss), "mse": _point(functional.mse_loss), "huber": _point(functional.huber_loss)}
)


def masked_mean(errors: Float[Tensor, "*shape"], mask: Float[Tensor, "*shape"]) -> Float[Tensor, ""]:
    """The mean error over observed targets, each multiplied by its mask; 0 when none is observed."""
    return (errors * mask).sum() / (mask > 0).sum().clamp(min=1)
