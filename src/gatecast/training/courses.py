"""What one training step learns from, in two ways; the loop, the optimiser and early stopping are the same for both.

windows      a lookback before each of some random cutoffs, read from a state of zeros; one forecast from each window
sequences    stretches of the series, read on from the state of the stretch before; a forecast from every row
             (truncated backpropagation through time, Williams & Peng 1990; forking sequences, Wen et al. 2017)
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, final

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gatecast.cells.equations import States
from gatecast.data.sampling import Sampler, StreamSampler
from gatecast.data.splits import Origins
from gatecast.data.tensors import PanelTensors
from gatecast.models.ensemble import Network, nets_of, split_states
from gatecast.models.network import RecurrentNetwork
from gatecast.models.passing import outputs_at
from gatecast.training.config import TrainingConfig

AT_ONCE = 512  # cutoffs of the validation part
LEAST_WINDOWS = 16  # of a step that each net of an ensemble reads, where there are so many
LEAST_STREAMS = 4


class Share(NamedTuple):
    """The share of one net of an ensemble in what a step reads: net `number` of `nets`."""

    number: int
    nets: int

    def of(self, all_: Int64[np.ndarray, " some"], least: int) -> Int64[np.ndarray, " share"]:
        """Its share of them: an equal one, but at least so many, for which shares overlap; all of few."""
        size = min(len(all_), max(-(-len(all_) // self.nets), least))
        first = self.number * len(all_) // self.nets
        return np.take(all_, np.arange(first, first + size), mode="wrap")


@dataclass(frozen=True, eq=False)
class Course(ABC):
    """The training part and the validation part, as one way of training sees them.

    Attributes:
        tensors: the table.
        validation: cutoffs of the validation part.
    """

    tensors: PanelTensors
    validation: Int64[Tensor, "validation two"]

    @property
    @abstractmethod
    def steps_per_epoch(self) -> int:
        """Steps until every row was learnt from once."""

    @final
    def loss(self, network: Network, step: int, carried: States) -> tuple[Float[Tensor, ""], States]:
        """The loss of training step `step` (from 0), and the states to carry into the next.

        The nets of an ensemble share out what the step reads.
        """
        nets = nets_of(network)
        losses: list[Tensor] = []
        states: list[Tensor] = []
        for number, (net, own) in enumerate(zip(nets, split_states(carried, len(nets)), strict=True)):
            loss, after = self.loss_of(net, step, own, Share(number, len(nets)))
            losses.append(loss)
            states += after
        return torch.stack(losses).mean(), tuple(states)

    @abstractmethod
    def loss_of(
        self, net: RecurrentNetwork, step: int, carried: States, share: Share
    ) -> tuple[Float[Tensor, ""], States]:
        """The loss of one net on its share, and its state to carry into the next step."""

    @abstractmethod
    def validation_parts(self, network: Network) -> Iterator[tuple[Float[Tensor, ""], Tensor]]:
        """The loss of some cutoffs of the validation part after others, and their masks."""

    @final
    @torch.no_grad()
    def validation_loss(self, network: Network) -> float:
        """The loss over the whole validation part, each observed target counting once."""
        total, count = 0.0, 0.0
        for loss, mask in self.validation_parts(network):
            observed = float((mask > 0).sum())
            total += float(loss) * observed
            count += observed
        return total / max(count, 1.0)


@final
@dataclass(frozen=True, eq=False)
class Windows(Course):
    """Windows whose targets lie in the training part, in a random order each epoch.

    With `free_running`, the last so many steps run on the net's own forecasts, and so do all looks at the validation
    part, for losses of one step and of a whole horizon could not be compared.
    """

    train: Int64[Tensor, "train two"]
    config: TrainingConfig

    @cached_property
    def sampler(self) -> Sampler:
        """Which windows a step takes."""
        return Sampler(len(self.train), self.config.batch_size, self.config.seed)

    @property
    def steps_per_epoch(self) -> int:
        """Steps until every window was seen once."""
        return self.sampler.steps_per_epoch

    def loss_of(
        self, net: RecurrentNetwork, step: int, carried: States, share: Share
    ) -> tuple[Float[Tensor, ""], States]:
        """The mean over windows; nothing is carried."""
        windows = share.of(self.sampler.batch(step), LEAST_WINDOWS)
        places = self.train[torch.from_numpy(windows).to(self.train.device)]
        free = self.config.free_running > 0 and step >= self.config.steps - self.config.free_running
        return net.loss(self.tensors.gather(places), free=free), carried

    def validation_parts(self, network: Network) -> Iterator[tuple[Float[Tensor, ""], Tensor]]:
        """Windows of the validation part."""
        for places in self.validation.split(AT_ONCE):
            batch = self.tensors.gather(places)
            yield network.loss(batch, free=self.config.free_running > 0), batch.mask


@final
@dataclass(frozen=True, eq=False)
class Sequences(Course):
    """Pieces of the series, read chunk by chunk with a carried state; the loss is taken at every row.

    Attributes:
        ends: the first row of the table, for each series, that may not be learnt from.
        sampler: which rows a step reads.
        burn_in: rows after a state of zeros from which nothing is learnt: the state has seen too little.
    """

    ends: Int64[Tensor, " series"]
    sampler: StreamSampler
    burn_in: int

    @property
    def steps_per_epoch(self) -> int:
        """Steps until as many rows were read as there are."""
        return self.sampler.steps_per_epoch

    def loss_of(
        self, net: RecurrentNetwork, step: int, carried: States, share: Share
    ) -> tuple[Float[Tensor, ""], States]:
        """The mean over all rows of a chunk but the burn-in."""
        chunk = self.sampler.batch(step)
        series, position = (share.of(each, LEAST_STREAMS) for each in (chunk.series, chunk.position))
        places = self.tensors.place(Origins(series, position))
        stretch = self.tensors.stretch(places, self.sampler.time, self.ends[places[:, 0]])
        output, states = net.read(stretch, () if chunk.fresh else carried)
        skip = self.burn_in if chunk.fresh else 0
        loss = net.loss_from(output[:, skip:].flatten(0, 1), stretch.cutoffs(skip))
        return loss, tuple(part.detach() for part in states)

    def validation_parts(self, network: Network) -> Iterator[tuple[Float[Tensor, ""], Tensor]]:
        """One pass from the start of each series; the same cutoffs as windows have."""
        outputs = outputs_at(network, self.tensors, self.validation)
        for places, output in zip(self.validation.split(AT_ONCE), outputs.split(AT_ONCE), strict=True):
            cutoffs = self.tensors.cutoffs(places)
            yield network.loss_from(output, cutoffs), cutoffs.mask
