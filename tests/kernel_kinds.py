"""The kernels that tests run: a layer for each, and what holds its results against the reference in float64."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_sequence

from cell_catalogue import KINDS
from gatecast import nn
from gatecast.cells import equations_of
from gatecast.cells.cell import weights_of
from gatecast.cells.equations import States
from gatecast.cells.unrolling import unroll_by_steps
from gatecast.kernels import Kernel, kernel_for

UNIT_BY_UNIT = ("mingru", "minlstm", "indrnn_tanh", "indrnn_relu")  # whose units do not meet between steps
MANY = 33  # inputs from which on the kernels of UNIT_BY_UNIT keep W x + b for the backward pass

if not isinstance(kernel_for(equations_of(nn.GRU(1, 1)), torch.device("cpu"), torch.float32), Kernel):
    pytest.skip("there are no kernels on this machine", allow_module_level=True)

every_kind = pytest.mark.parametrize("kind", KINDS)
on_every_build = pytest.mark.usefixtures("instructions")


def kernel_of(layer: Any) -> Kernel:
    kernel = kernel_for(equations_of(layer), torch.device("cpu"), torch.float32)
    assert isinstance(kernel, Kernel), kernel
    return kernel


def torch_twin(kind: str, layer: Any) -> Any:
    """The layer of torch.nn, in float64, with the same weights; None where torch has no such recurrence."""
    if kind in ("gru_reset_before", *UNIT_BY_UNIT):
        return None
    own = {"nonlinearity": layer.nonlinearity} if kind.startswith("elman") else {}
    names = ("num_layers", "bias", "batch_first", "dropout", "bidirectional")
    settings = {name: getattr(layer, name) for name in names}
    theirs = type(layer).__base__(layer.input_size, layer.hidden_size, **settings, **own)
    theirs.load_state_dict(layer.state_dict())
    return theirs.double()


def strided(shape: tuple[int, int, int], order: tuple[int, ...]) -> Tensor:
    """A tensor of this shape whose memory has another order, with gaps between the features."""
    whole = torch.randn(*(shape[k] for k in order), 2)[..., 0]
    return whole.permute(*(order.index(k) for k in range(3)))


def states_for(layer: Any, batch: int) -> States:
    """States of one level, with gaps between their rows."""
    hidden = layer.hidden_size
    return tuple(torch.randn(batch, hidden + 3)[:, 1 : 1 + hidden] for _ in equations_of(layer).states)


def as_state(states: States) -> Any:
    """States as a layer takes them: one alone, or a tuple."""
    return states[0] if len(states) == 1 else states


def packed(lengths: Sequence[int], features: int) -> PackedSequence:
    """Sequences of these lengths, in any order."""
    return pack_sequence([torch.randn(length, features) for length in lengths], enforce_sorted=False)


def close(ours: Tensor, exact: Tensor, share: float) -> None:
    """The largest error is at most this share of the largest value (or of 1)."""
    error = float((ours.double() - exact).detach().abs().max())
    largest = max(1.0, float(exact.detach().abs().max()))
    assert error <= share * largest, f"off by {error:.2e} where values reach {largest:.2e}"


def close_gradients(ours: Sequence[Tensor], exact: Sequence[Tensor]) -> None:
    """All gradients as one vector, and each that has more than a few numbers by itself.

    One number may be a sum over many rows that cancels, and float32 keeps the digits of terms, not of such sums.
    """
    for a, b in zip(ours, exact, strict=True):
        if a.numel() >= 8:
            close(a, b, 3e-6)
    close(torch.cat([each.flatten() for each in ours]), torch.cat([each.flatten() for each in exact]), 3e-6)


def doubled(layer: Any) -> Any:
    """The same layer in float64, which no kernel takes."""
    return deepcopy(layer).double()


def exactly(layer: Any, x: Tensor, states: States, *, reverse: bool = False) -> tuple[list[Tensor], Tensor, States]:
    """The cell in float64, step by step: x, the states and the weights, and the output and last states made of them."""
    exact = doubled(layer)
    x, *first = (each.detach().double().requires_grad_() for each in (x, *states))
    turned = x.flip(0) if reverse else x
    run = unroll_by_steps(equations_of(exact), weights_of(exact, "_l0"), turned, tuple(first))
    return [x, *first, *exact.parameters()], run.output.flip(0) if reverse else run.output, run.states
