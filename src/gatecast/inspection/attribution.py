"""What an output rests on: integrated gradients and occlusion of its inputs, one lag and one feature at a time."""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from gatecast.errors import OptionError

Function = Callable[[Tensor], Tensor]
"""From (B, T, features) to one number or several for each of B; several are added up."""

POINTS = 64


def integrated_gradients(
    function: Function,
    x: Float[Tensor, "batch time features"],
    baseline: Float[Tensor, "*batch time features"] | None = None,
    points: int = POINTS,
) -> Float[Tensor, "batch time features"]:
    """What each input adds to the output on the straight way from a baseline to x.

    They sum to the difference of the outputs (M. Sundararajan, A. Taly & Q. Yan 2017, arXiv 1703.01365, section 3).

    Args:
        function: the net.
        x: the inputs.
        baseline: what stands for nothing; zeros if None.
        points: places on the way, by Gauss and Legendre, at each of which the net runs once forwards and backwards.

    Raises:
        OptionError: `points` is below 1.
    """
    if points < 1:
        raise OptionError(f"points counts places on the way from 1 up, got {points}.")
    start = torch.zeros_like(x) if baseline is None else baseline.expand_as(x)
    places, weights = np.polynomial.legendre.leggauss(points)
    mean = torch.zeros_like(x)
    for place, weight in zip((places + 1) / 2, weights / 2, strict=True):
        at = (start + float(place) * (x - start)).detach().requires_grad_()
        (gradient,) = torch.autograd.grad(function(at).sum(), at)
        mean += float(weight) * gradient
    return (x - start) * mean


@torch.no_grad()
def occlusion(
    function: Function,
    x: Float[Tensor, "batch time features"],
    baseline: Float[Tensor, "*batch time features"] | None = None,
    rows: int = 1,
) -> Float[Tensor, "batch blocks features"]:
    """How much the output falls when one feature is hidden over some rows: the newest block first.

    Args:
        function: the net.
        x: the inputs.
        baseline: what is shown instead; zeros if None.
        rows: of a block; the oldest may be shorter.

    Raises:
        OptionError: `rows` is below 1.
    """
    if rows < 1:
        raise OptionError(f"rows counts the rows that are hidden together from 1 up, got {rows}.")
    shown = torch.zeros_like(x) if baseline is None else baseline.expand_as(x)
    whole = _each(function(x))
    blocks = list[Tensor]()
    for end in range(x.shape[1], 0, -rows):
        block = slice(max(0, end - rows), end)
        falls = []
        for feature in range(x.shape[2]):
            hidden = x.clone()
            hidden[:, block, feature] = shown[:, block, feature]
            falls.append(whole - _each(function(hidden)))
        blocks.append(torch.stack(falls, dim=-1))
    return torch.stack(blocks, dim=1)


def _each(output: Tensor) -> Float[Tensor, " batch"]:
    """One number for each row of the batch."""
    return output.flatten(1).sum(dim=1) if output.dim() > 1 else output
