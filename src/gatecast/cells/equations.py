"""What a recurrence is: equations without weights, so that a cell, a stack of layers and a kernel share them.

An `Equations` value holds only what the paper leaves to choose (a nonlinearity, a convention).  Weights and states are
given to every call and come out as new values; nothing is remembered.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar, NamedTuple, final

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import linear

States = tuple[Tensor, ...]
Gates = dict[str, Tensor]

NOTHING = torch.empty(0)


class Weights(NamedTuple):
    """The weights of one cell, by the letters of the equations; their names in a state_dict are torch.nn's.

    Attributes:
        W: `weight_ih`, the input weights of every gate below each other, (gates * H, I).
        U: `weight_hh`, the recurrent weights in the same order, (gates * H, H); empty where there are none.
        b: `bias_ih`, (gates * H); None without biases.
        c: `bias_hh`, the second bias that torch.nn and cuDNN keep, (gates * H); None where there is none.
        P: `weight_hr`, the projection of the LSTM, (proj_size, H).
    """

    W: Tensor
    U: Tensor = NOTHING
    b: Tensor | None = None
    c: Tensor | None = None
    P: Tensor | None = None


WEIGHT_NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")  # in the order of Weights


class Equations(ABC):
    """One step of a recurrence, in two parts: what needs only the input, for all time at once, and the rest."""

    blocks: ClassVar[tuple[str, ...]]
    """The gates in the order in which their rows lie in `W`, `U` and the biases."""
    recurrent_blocks: ClassVar[tuple[str, ...] | None] = None
    """Those that have rows in `U` too, where not all have."""
    gates: ClassVar[Mapping[str, tuple[float, float]]]
    """The gates that `step` hands out, each with its closed range."""
    states: ClassVar[tuple[str, ...]] = ("h",)
    """The names of the states; the first is the output."""
    learnable: ClassVar[tuple[str, ...]] = ("h", "c")
    """The states whose first value can be learnt; the others start at zero."""
    mixable: ClassVar[tuple[str, ...]] = ("h", "c")
    """The states that mean something each by itself, so that one may be mixed with its own past (zoneout)."""
    keeps: ClassVar[Mapping[str, int]] = {}
    """The gates that set how long is remembered, with the sign of the bias that remembers longer."""

    @abstractmethod
    def shapes(self, input_size: int, hidden_size: int) -> dict[str, tuple[int, ...]]:
        """The shape of each weight and bias, by its name in a state_dict, in torch.nn's order."""

    @abstractmethod
    def step(self, wx: Float[Tensor, "*batch rows"], states: States, weights: Weights) -> tuple[States, Gates]:
        """The states after one step, and the gates that made them.

        Args:
            wx: what `project` made of the step's input, (B, gates * H).
            states: the states before the step, each (B, H), in the order of `self.states`.
            weights: the weights.
        """

    @final
    def project(self, x: Float[Tensor, "*lead features"], weights: Weights) -> Float[Tensor, "*lead rows"]:
        """`W x + b`: everything that depends on the input alone, for any number of steps at once."""
        return linear(x, weights.W, weights.b)

    def kept(self, gates: Gates) -> Tensor | None:
        """The share of its own past that each unit keeps at a step, by its gates; None where no gate says it."""
        del gates
        return None

    def state_sizes(self, hidden_size: int) -> tuple[int, ...]:
        """The units of each state."""
        return (hidden_size,) * len(self.states)

    def bounds(self, name: str, hidden_size: int) -> tuple[float, float]:
        """The range from which a weight is drawn at first, uniformly; torch.nn's is 1 / sqrt(H) to both sides."""
        del name
        bound = hidden_size**-0.5
        return -bound, bound


def dense_shapes(gates: int, input_size: int, hidden_size: int) -> dict[str, tuple[int, ...]]:
    """The weights of torch.nn's cells: full matrices and two biases."""
    rows = gates * hidden_size
    return {"weight_ih": (rows, input_size), "weight_hh": (rows, hidden_size), "bias_ih": (rows,), "bias_hh": (rows,)}
