"""Recurrences that are linear in the state, h_t = a_t * h_{t-1} + u_t, and so can run over all time in parallel.

Where a and u need only the input, T steps are log2(T) passes over the whole sequence: each pass joins every step with
the one that lies twice as far back (W. D. Hillis & G. L. Steele, "Data parallel algorithms", CACM 29, 1986).  For
0 <= a <= 1 nothing can overflow, so no logarithms are needed.
"""

from abc import abstractmethod
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from gatecast.cells.equations import Equations, Gates, States, Weights


class ScanEquations(Equations):
    """Equations of the form h' = a * h + u with a and u of the input alone."""

    @abstractmethod
    def gates_of(self, wx: Float[Tensor, "*lead rows"]) -> Gates:
        """The gates, each (..., H)."""

    @abstractmethod
    def coefficients(self, gates: Gates) -> tuple[Tensor, Tensor]:
        """The factors a and the additions u that gates make, each (..., H)."""

    @final
    def step(self, wx: Float[Tensor, "*batch rows"], states: States, weights: Weights) -> tuple[States, Gates]:
        """The next state a * h + u."""
        del weights
        gates = self.gates_of(wx)
        a, u = self.coefficients(gates)
        return (a * states[0] + u,), gates


def linear_scan(
    a: Float[Tensor, "time batch hidden"], u: Float[Tensor, "time batch hidden"], h: Float[Tensor, "batch hidden"]
) -> Float[Tensor, "time batch hidden"]:
    """Every state of h_t = a_t * h_{t-1} + u_t that follows the state `h`."""
    u = torch.cat([(u[:1] + a[:1] * h), u[1:]])
    distance = 1
    while distance < len(u):
        u = torch.cat([u[:distance], u[distance:] + a[distance:] * u[:-distance]])
        a = torch.cat([a[:distance], a[distance:] * a[:-distance]])
        distance *= 2
    return u
