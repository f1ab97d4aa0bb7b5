"""Zoneout: while training, units at random keep the state they had; afterwards the expectation of that.

    k ~ Bernoulli(p)                        for each unit, at every step; k = p when not training
    h' = k * h + (1 - k) * cell(x, h)       the same for c, with a k of its own

D. Krueger et al., "Zoneout: regularizing RNNs by randomly preserving hidden activations", ICLR 2017, arXiv 1606.01305,
section 3; as there, the LSTM's output gate shows the cell state before it is mixed.  The paper has a share for each
state; here it is one for all.  Of the sLSTM only h is mixed, because c, n and m are in units of one another.
"""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from gatecast.cells.equations import Equations, Gates, States, Weights
from gatecast.cells.scanning import ScanEquations


def zoned_out(cell: Equations, share: float, *, random: bool) -> Equations:
    """The equations of a cell whose units keep their states at random.

    Args:
        cell: what is computed at a share of 0.
        share: p, from 0 up to 1.
        random: draw k from torch's generator, as in training; else k is p, its expectation.
    """
    return ZoneoutScan(cell, share, random) if isinstance(cell, ScanEquations) else Zoneout(cell, share, random)


@final
@dataclass(frozen=True)
class Zoneout(Equations):
    """h' = k * h + (1 - k) * cell(x, h), step by step."""

    cell: Equations
    share: float
    random: bool = False

    def __post_init__(self) -> None:
        _take_facts(self, self.cell)

    def shapes(self, input_size: int, hidden_size: int) -> dict[str, tuple[int, ...]]:
        """Those of the cell."""
        return self.cell.shapes(input_size, hidden_size)

    def kept(self, gates: Gates) -> Tensor | None:
        """What zoneout keeps, and the cell of the rest."""
        return _kept_in_all(self.cell.kept(gates), self.share)

    def state_sizes(self, hidden_size: int) -> tuple[int, ...]:
        """Those of the cell."""
        return self.cell.state_sizes(hidden_size)

    def step(self, wx: Tensor, states: States, weights: Weights) -> tuple[States, Gates]:
        """The mixed states, and the cell's gates."""
        after, gates = self.cell.step(wx, states, weights)
        mixed = zip(self.states, states, after, strict=True)
        return tuple(self._mix(old, new) if name in self.mixable else new for name, old, new in mixed), gates

    def _mix(self, old: Tensor, new: Tensor) -> Tensor:
        k = _kept(new, self.share, random=self.random)
        return k * old + (1 - k) * new


@final
@dataclass(frozen=True)
class ZoneoutScan(ScanEquations):
    """k * h + (1 - k) * (a * h + u) is linear in h too, and so runs over all time in parallel."""

    cell: ScanEquations
    share: float
    random: bool = False

    def __post_init__(self) -> None:
        _take_facts(self, self.cell)

    def shapes(self, input_size: int, hidden_size: int) -> dict[str, tuple[int, ...]]:
        """Those of the cell."""
        return self.cell.shapes(input_size, hidden_size)

    def kept(self, gates: Gates) -> Tensor | None:
        """What zoneout keeps, and the cell of the rest."""
        return _kept_in_all(self.cell.kept(gates), self.share)

    def gates_of(self, wx: Float[Tensor, "*lead rows"]) -> Gates:
        """Those of the cell."""
        return self.cell.gates_of(wx)

    def coefficients(self, gates: Gates) -> tuple[Tensor, Tensor]:
        """The factors k + (1 - k) * a and the additions (1 - k) * u."""
        a, u = self.cell.coefficients(gates)
        k = _kept(a, self.share, random=self.random)
        return k + (1 - k) * a, (1 - k) * u


def _take_facts(zoneout: Equations, cell: Equations) -> None:
    """What a class of equations says of itself, this value takes from the cell that it holds."""
    for name in ("blocks", "gates", "states", "learnable", "mixable", "keeps"):
        object.__setattr__(zoneout, name, getattr(cell, name))


def _kept_in_all(of_cell: Tensor | None, share: float) -> Tensor | None:
    return None if of_cell is None else share + (1 - share) * of_cell


def _kept(like: Tensor, share: float, *, random: bool) -> Tensor:
    """How much each unit keeps of what it was: all or nothing at random, or the share."""
    return (torch.rand_like(like) < share).to(like) if random else torch.full_like(like, share)
