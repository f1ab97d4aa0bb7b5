"""What gru_from_equations.py is judged by: nn.GRU with the same weights, counting, and how the passes went."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from gatecast import nn


@torch.no_grad()
def compare(gru: Callable[[list[Tensor], Tensor, Tensor], tuple[Tensor, Tensor]], p: list[Tensor]) -> None:
    """Print the largest difference from nn.GRU with the same weights, in this form and in the other published one.

    Args:
        gru: the equations, from the parameters, x (T, B, K) and the first state (B, H) to all states and the last.
        p: W (3, H, K), U (3, H, H), b and c (3, H) each, and whatever comes after them.
    """
    _, hidden, inputs = p[0].shape
    dtype, largest = p[0].dtype, []
    x, h = torch.randn(20, 3, inputs, dtype=dtype), torch.randn(3, hidden, dtype=dtype)
    for reset_after in (True, False):
        layer = nn.GRU(inputs, hidden, reset_after=reset_after).to(dtype)
        for theirs, ours in zip(layer.parameters(), p[:4], strict=True):
            theirs.copy_(ours.flatten(0, 1))
        largest.append(f"{(layer(x, h[None])[0] - gru(p, x, h)[0]).abs().max():.1e}")
    print(f"{dtype}: largest difference from nn.GRU {largest[0]}, from nn.GRU(reset_after=False) {largest[1]}")


def count(ids: Tensor, before: Tensor, size: int) -> dict[str, Tensor]:
    """What counting characters, or pairs of them, in `ids` says of every character to come after those `before`."""
    single = (torch.bincount(ids, minlength=size) + 1) / (len(ids) + size)  # (K,)
    pairs = torch.bincount(ids[:-1] * size + ids[1:], minlength=size * size).view(size, size)
    after = (pairs + single) / (pairs.sum(dim=1, keepdim=True) + 1)  # (K, K): rare pairs lean on the single counts
    return {"unigram": single.log().expand(len(before), size), "bigram": after.log()[before]}  # each (T, K)


def print_passes(history: np.ndarray) -> None:
    """The perplexity of every tenth part of the passes, and the largest gradient; history is (passes, chunks, 3)."""
    passes, (_, norm, clipped) = np.exp(history[..., 0].mean(axis=1)), history.max(axis=(0, 1))
    for number in range(0, len(passes), len(passes) // 10):
        print(f"pass {number + 1:2d}  perplexity {passes[number]:7.3f}")
    print(f"largest gradient norm {norm:.2f}, after clipping {clipped:.2f}")
