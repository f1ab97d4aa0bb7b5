"""What a pass remembers for the next one: the states before the first cutoff, so that no row is read twice.

A backtest that is asked for again, and a forecast from a table that has grown since the last one, find there the states
that reading the same rows with the same weights would give, bit for bit; then they read on from them.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from gatecast.cells.equations import States
from gatecast.data.tensors import PanelTensors

MOST_VALUES = 16_000_000  # of a table that is kept for the next forecast: 64 MB


@dataclass(frozen=True, eq=False)
class Remembered:
    """States after the first rows of some series.

    Attributes:
        weights: those that the rows were read with, end to end.
        tensors: the table they stand in.
        series: which of its series, in their order.
        rows: how many of each.
        states: after them.
    """

    weights: Float[Tensor, " weights"]
    tensors: PanelTensors
    series: Int64[Tensor, " chosen"]
    rows: int
    states: States

    def holds(self, network: nn.Module, tensors: PanelTensors, series: Int64[Tensor, " chosen"]) -> bool:
        """Whether reading these rows of another table would give the same states."""
        return (
            torch.equal(self.series, series)
            and torch.equal(self.weights, weights_of(network))
            and torch.equal(self.tensors.static[series], tensors.static[series])
            and torch.equal(self.tensors.identity[series], tensors.identity[series])
            and self.tensors.table.shape[1] == tensors.table.shape[1]
            and all(torch.equal(self._read(self.tensors, own), self._read(tensors, own)) for own in series.tolist())
        )

    def _read(self, tensors: PanelTensors, series: int) -> Float[Tensor, "rows features"]:
        """What the net reads of one series, known inputs included."""
        start = int(tensors.starts[series])
        return tensors.table[start : start + self.rows]


class Memory:
    """Holds the newest `Remembered` of a net; without one, everything is read from its start."""

    def __init__(self) -> None:
        self._newest: Remembered | None = None

    def recall(
        self, network: nn.Module, tensors: PanelTensors, series: Int64[Tensor, " chosen"], most: int
    ) -> tuple[int, States]:
        """How many rows of each series, `most` or fewer, need not be read again, and the states after them."""
        kept = self._newest
        if kept is None or kept.rows > most or not kept.holds(network, tensors, series):
            return 0, ()
        return kept.rows, kept.states

    def keep(
        self, network: nn.Module, tensors: PanelTensors, series: Int64[Tensor, " chosen"], rows: int, states: States
    ) -> None:
        """Remember the states after so many rows of each series, unless the table is too large to be kept beside."""
        if rows and tensors.table.numel() <= MOST_VALUES:
            self._newest = Remembered(weights_of(network), tensors, series, rows, states)


def weights_of(network: nn.Module) -> Float[Tensor, " weights"]:
    """A copy of all weights, end to end."""
    return torch.cat([p.detach().flatten() for p in network.parameters()])
