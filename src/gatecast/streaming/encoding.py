"""The state of each series, and the one update that each row costs."""

from typing import final

import numpy as np
import torch
from jaxtyping import Float32, Int64
from torch import Tensor

from gatecast.cells.equations import States
from gatecast.data.batches import Stretch
from gatecast.models.ensemble import Network, nets_of
from gatecast.models.network import AtCutoffs
from gatecast.streaming.residents import Kept, Residents
from gatecast.streaming.shape import Shape


def kept_of_states(network: Network, shape: Shape, statics: int) -> dict[str, Kept]:
    """What is kept of each series so that its state can be moved on; of windows, what never changes alone."""
    named = nets_of(network)[0].named(torch.zeros(1, statics), torch.full((1,), -1)).shape[1]
    kept = {
        "static": Kept((statics,), np.float32),
        "identity": Kept((), np.int64, -1, -1, nets_of(network)[0].sizes.series - 1),
        "named": Kept((named,), np.float32),
    }
    if not shape.carries:
        return kept
    states = {
        name_of(place): Kept((len(part), part.shape[2]), np.float32)
        for place, part in enumerate(_first_states(network, shape, statics))
    }
    return kept | states | {"output": Kept((shape.outputs,), np.float32)}


def name_of(place: int) -> str:
    """The name under which a part of the states is kept."""
    return f"state{place}"


@torch.no_grad()
def _first_states(network: Network, shape: Shape, statics: int) -> States:
    """The states after some row, for their sizes."""
    row, series = torch.zeros(1, shape.width), torch.zeros(1, statics)
    return network.read(stretch_of(shape, row, series, torch.full((1,), -1)), ())[1]


def stretch_of(shape: Shape, rows: Tensor, static: Tensor, identity: Tensor) -> Stretch:
    """One row of each of some series, as a net reads it."""
    _, causal, flags, known = rows.unsqueeze(1).split([shape.channels, shape.causal, shape.flags, shape.known], dim=-1)
    none = rows.new_zeros(rows.shape[0], 0, shape.targets)  # len() would fix the batch of an exported graph
    return Stretch(causal, flags, known, static, identity, none, none)


@final
class Encoder:
    """Moves states by the net's own call, which any net has; `fast_encoding.py` does it by one call of a kernel.

    Args:
        network: the net.
        shape: sizes.
        residents: with what `kept_of_states` names.
    """

    def __init__(self, network: Network, shape: Shape, residents: Residents) -> None:
        self.network = network
        self.shape = shape
        self.residents = residents
        self.parts = sum(name.startswith("state") for name in residents.kept)

    @torch.inference_mode()
    def advance(self, slots: Int64[np.ndarray, " n"], rows: Float32[np.ndarray, "n width"]) -> None:
        """One update for each of some different series; `rows` are those that have just been counted."""
        first = self.residents["count"][slots] == 1
        for begins in (True, False):
            which = first == begins
            if which.any():
                self._update(slots[which], rows[which], begins=begins)

    def states(self, slots: Int64[np.ndarray, " n"]) -> AtCutoffs:
        """Copies of what was read out of some series, and of their states."""
        output = torch.from_numpy(self.residents["output"][slots])
        return AtCutoffs(output, tuple(self._state(place, slots) for place in range(self.parts)))

    def _state(self, place: int, slots: Int64[np.ndarray, " n"]) -> Tensor:
        return torch.from_numpy(self.residents[name_of(place)][slots]).transpose(0, 1).contiguous()

    def _update(self, slots: Int64[np.ndarray, " n"], rows: Float32[np.ndarray, "n width"], *, begins: bool) -> None:
        """Read one row on from the states kept, or from where the net begins."""
        kept = self.residents
        static, identity = (torch.from_numpy(kept[name][slots]) for name in ("static", "identity"))
        states = () if begins else tuple(self._state(place, slots) for place in range(self.parts))
        output, after = self.network.read(stretch_of(self.shape, torch.from_numpy(rows), static, identity), states)
        kept["output"][slots] = output[:, -1].numpy()
        for place, part in enumerate(after):
            kept[name_of(place)][slots] = part.transpose(0, 1).numpy()
