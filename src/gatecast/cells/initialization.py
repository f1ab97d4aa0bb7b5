"""First weights.  Each function works in place on a cell or a stack, ours or torch.nn's, and returns it.

The gates' rows are found by the equations' own order, so that "the bias of the forget gate" is a name, not an index.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from gatecast.cells.catalogue import equations_of
from gatecast.cells.equations import Equations
from gatecast.errors import OptionError


@torch.no_grad()
def orthogonal_(module: nn.Module) -> nn.Module:
    """Make each gate's recurrent matrix orthogonal, so that it keeps lengths (Saxe et al. 2014, arXiv 1312.6120).

    Raises:
        OptionError: the cell has no recurrent matrices.
    """
    equations = equations_of(module)
    matrices = [weight for weight in _named(module, "weight_hh") if weight.dim() == 2]
    if not matrices:
        raise OptionError(f"{_name(equations)} has no recurrent matrices to make orthogonal.")
    for weight in matrices:
        for block in weight.chunk(len(equations.recurrent_blocks or equations.blocks)):
            nn.init.orthogonal_(block)
    return module


@torch.no_grad()
def chrono_(module: nn.Module, longest: int) -> nn.Module:
    """Spread the units' memories from 1 to about `longest` steps (Tallec & Ollivier 2018, arXiv 1804.11188, eq. 15).

    The gate that keeps the past gets the bias log(U(1, longest - 1)), the LSTM's input gate minus that.

    Raises:
        OptionError: `longest` is below 3, or the cell has no gate that keeps the past.
    """
    if longest < 3:
        raise OptionError(f"longest counts the steps to be remembered, from 3 up, got {longest}.")
    equations = equations_of(module)
    gates = _keeping(equations)
    for first, second in _bias_pairs(module):
        size = len(first) // len(equations.blocks)
        times = torch.empty(size, dtype=first.dtype, device=first.device).uniform_(1, longest - 1).log()
        for gate, sign in gates.items():
            _set(equations, gate, (first, second), sign * times)
    return module


@torch.no_grad()
def forget_bias_(module: nn.Module, value: float = 1.0) -> nn.Module:
    """Start by remembering: the forget gate's bias is `value` (Gers et al. 2000; Jozefowicz et al. 2015: 1).

    For the GRU it is z, which keeps the past; for the minGRU z gets minus the value, because there 1 - z keeps it.

    Raises:
        OptionError: the cell has no gate that keeps the past.
    """
    equations = equations_of(module)
    gate, sign = next(iter(_keeping(equations).items()))
    for first, second in _bias_pairs(module):
        size = len(first) // len(equations.blocks)
        _set(equations, gate, (first, second), first.new_full((size,), sign * value))
    return module


@torch.no_grad()
def gaussian_(module: nn.Module, deviation: float = 0.01) -> nn.Module:
    """Weights from N(0, deviation), biases of zero, as in textbooks that write a cell out from its equations."""
    equations_of(module)
    for weight in _named(module, "weight"):
        nn.init.normal_(weight, std=deviation)
    for bias in _named(module, "bias"):
        nn.init.zeros_(bias)
    return module


def _keeping(equations: Equations) -> dict[str, int]:
    if not equations.keeps:
        raise OptionError(f"{_name(equations)} has no gate that keeps the past; take a gated cell, or orthogonal_.")
    return dict(equations.keeps)


def _named(module: nn.Module, start: str) -> Iterator[Tensor]:
    return (weight for name, weight in module.named_parameters(recurse=False) if name.startswith(start))


def _bias_pairs(module: nn.Module) -> Iterator[tuple[Tensor, Tensor | None]]:
    """The biases of every layer and direction; the second of the pair only where the cell has two.

    Raises:
        OptionError: the module has no biases.
    """
    parameters = dict(module.named_parameters(recurse=False))
    firsts = [name for name in parameters if name.startswith("bias_ih")]
    if not firsts:
        raise OptionError("a memory is set through the gates' biases, and this module was made with bias=False.")
    return ((parameters[name], parameters.get(name.replace("_ih", "_hh"))) for name in firsts)


def _set(equations: Equations, gate: str, pair: tuple[Tensor, Tensor | None], value: Tensor) -> None:
    """Give a gate's rows of the first bias the value, and of the second bias, which is added to it, zero."""
    rows = equations.blocks.index(gate)
    first, second = pair
    first.chunk(len(equations.blocks))[rows].copy_(value)
    if second is not None:
        second.chunk(len(equations.blocks))[rows].zero_()


def _name(equations: Equations) -> str:
    return type(equations).__name__.removesuffix("Equations")
