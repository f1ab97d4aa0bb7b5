"""Several nets trained together from different first weights; their median is the forecast.

They share out what a training step reads, so that S nets cost far less than S times one, and take one step of one
optimiser.  Reading the table, the loop, early stopping, the checkpoint and the artifact are shared as well: an ensemble
is called as one net is.
"""

from typing import final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from gatecast.cells.equations import States
from gatecast.data.batches import Batch, Cutoffs, Stretch
from gatecast.models.config import NetworkConfig
from gatecast.models.network import AtCutoffs, RecurrentNetwork
from gatecast.models.sizes import Sizes

Draws = Float[Tensor, "batch paths horizon targets two"] | None


@final
class Ensemble(nn.Module):
    """Nets side by side, called as `RecurrentNetwork` is; what they read out lies one after another."""

    def __init__(self, members: list[RecurrentNetwork]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.config, self.sizes = members[0].config, members[0].sizes

    @property
    def output_size(self) -> int:
        """Numbers read out at each cutoff."""
        return sum(member.output_size for member in self._each())

    def forward(self, batch: Batch) -> Float[Tensor, "batch horizon targets levels"]:
        """The median of their forecasts."""
        return _median([member(batch) for member in self._each()])

    def loss(self, batch: Batch, *, free: bool = False) -> Float[Tensor, ""]:
        """The mean of their losses."""
        return torch.stack([member.loss(batch, free=free) for member in self._each()]).mean()

    def paths(self, batch: Batch, draws: Draws) -> Float[Tensor, "batch paths horizon targets"]:
        """The median of their paths, path by path: they share their draws."""
        return _median([member.paths(batch, draws) for member in self._each()])

    def paths_from(self, read: AtCutoffs, batch: Batch, draws: Draws) -> Float[Tensor, "batch paths horizon targets"]:
        """As `paths`, from what was read out at the cutoffs of the windows."""
        own = zip(self._shared(read.output), split_states(read.states, len(self.members)), strict=True)
        return _median([net.paths_from(AtCutoffs(out, states), batch, draws) for (net, out), states in own])

    def read(self, stretch: Stretch, states: States) -> tuple[Float[Tensor, "batch time outputs"], States]:
        """Carry the states of all of them over the rows of a stretch."""
        own = zip(self._each(), split_states(states, len(self.members)), strict=True)
        outputs, after = zip(*(net.read(stretch, state) for net, state in own), strict=True)
        return torch.cat(outputs, dim=-1), tuple(part for state in after for part in state)

    def forecast_from(
        self, output: Float[Tensor, "cutoffs outputs"], cutoffs: Cutoffs
    ) -> Float[Tensor, "cutoffs horizon targets levels"]:
        """The median of their forecasts from what was read out at some cutoffs."""
        return _median([net.forecast_from(own, cutoffs) for net, own in self._shared(output)])

    def loss_from(self, output: Float[Tensor, "cutoffs outputs"], cutoffs: Cutoffs) -> Float[Tensor, ""]:
        """The mean of the losses of forecasts from some cutoffs."""
        return torch.stack([net.loss_from(own, cutoffs) for net, own in self._shared(output)]).mean()

    def _shared(self, output: Tensor) -> list[tuple[RecurrentNetwork, Tensor]]:
        """Each net, and what it read out."""
        each = self._each()
        return list(zip(each, output.chunk(len(each), dim=-1), strict=True))

    def _each(self) -> list[RecurrentNetwork]:
        return nets_of(self)


Network = RecurrentNetwork | Ensemble


def nets_of(network: Network) -> list[RecurrentNetwork]:
    """The nets of an ensemble, or the one there is."""
    if isinstance(network, RecurrentNetwork):
        return [network]
    return [member for member in network.members if isinstance(member, RecurrentNetwork)]


def split_states(states: States, nets: int) -> list[States]:
    """The states of each of so many nets, which lie one net after another."""
    count = len(states) // nets
    return [states[number * count : (number + 1) * count] for number in range(nets)]


def build_network(config: NetworkConfig, sizes: Sizes, seed: int | None = None) -> Network:
    """A net, or an ensemble of `config.ensemble`; with a seed, the first weights are a function of it.

    The first net of an ensemble is the one that would be alone; the caller's random generator is left as it was.
    """
    nets = [_seeded(config, sizes, seed, number) for number in range(config.ensemble)]
    return nets[0] if len(nets) == 1 else Ensemble(nets)


def _seeded(config: NetworkConfig, sizes: Sizes, seed: int | None, number: int) -> RecurrentNetwork:
    if seed is None:
        return RecurrentNetwork(config, sizes)
    with torch.random.fork_rng(devices=[]):
        own = seed if not number else int(np.random.SeedSequence((seed, number)).generate_state(1)[0])
        torch.manual_seed(own)
        return RecurrentNetwork(config, sizes)


def _median(forecasts: list[Tensor]) -> Tensor:
    """The middle one; of an even number, the mean of the two in the middle."""
    return torch.stack(forecasts).quantile(0.5, dim=0)
