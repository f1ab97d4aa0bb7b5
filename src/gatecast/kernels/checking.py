"""What compiled code is given, checked: addresses go there, so nothing is taken on trust."""

import torch
from torch import Tensor

from gatecast.cells.equations import WEIGHT_NAMES, Equations, Weights


def check_weights(equations: Equations, weights: Weights, features: int) -> None:
    """Refuse weights that are not those of the equations.

    Raises:
        ValueError: a weight has another shape or type, or lies elsewhere; it is named.
    """
    shapes = equations.shapes(features, weights.U.shape[-1])
    for name, weight in zip(WEIGHT_NAMES, weights, strict=True):
        if weight is not None:
            check_tensor(name, weight, shapes.get(name))


def check_tensor(name: str, tensor: Tensor, shape: tuple[int, ...] | None) -> None:
    """Refuse a tensor that has not this shape, or is not float32 on the CPU.

    Raises:
        ValueError: saying what it is and what it should be.
    """
    if tensor.shape != shape or tensor.dtype is not torch.float32 or not tensor.is_cpu:
        got = f"{tuple(tensor.shape)}, {tensor.dtype} on {tensor.device}"
        raise ValueError(f"{name} is {shape}, float32 on the CPU here, got {got}.")
