"""What compiled code is given, checked: addresses go there, so nothing is taken on trust."""

import torch
from torch import Tensor

from gatecast.cells.equations import WEIGHT_NAMES, Equations, Weights


def check_weights(equations: Equations, weights: Weights, features: int, hidden: int) -> None:
    """Refuse weights that are not those of the equations.

    Raises:
        ValueError: a weight has another shape or type, or lies elsewhere; it is named.
    """
    shapes = equations.shapes(features, hidden)
    for name, weight in zip(WEIGHT_NAMES, weights, strict=True):
        if weight is not None and name in shapes:
            check_tensor(name, weight, shapes[name])


def check_tensor(name: str, tensor: Tensor, shape: tuple[int, ...]) -> None:
    """Refuse a tensor that has not this shape, or is not float32 on the CPU.

    Raises:
        ValueError: saying what it is and what it should be.
    """
    if tensor.shape != shape or tensor.dtype is not torch.float32 or not tensor.is_cpu:
        got = f"{tuple(tensor.shape)}, {tensor.dtype} on {tensor.device}"
        raise ValueError(f"{name} is {shape}, float32 on the CPU here, got {got}.")


def check_rows(rows: Tensor, places: int) -> None:
    """Refuse batch sizes that are not those of so many packed rows of data.

    Raises:
        ValueError: they grow, end at none, or sum to another number.
    """
    counts = rows.tolist() if rows.dim() == 1 and rows.dtype is torch.int64 else []
    if not counts or counts[-1] < 1 or sum(counts) != places or counts != sorted(counts, reverse=True):
        got = f"{rows.tolist()}, {rows.dtype}"
        raise ValueError(f"batch_sizes of {places} packed rows count down to 1 or more and sum to {places}, got {got}.")
