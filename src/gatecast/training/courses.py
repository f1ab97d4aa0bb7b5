"""What one training step learns from, in two ways; the loop, the optimiser and early stopping are the same for both.

windows      a lookback before each of some random cutoffs, read from a state of zeros; one forecast from each window
sequences    stretches of the series, read on from the state of the stretch before; a forecast from every row
             (truncated backpropagation through time, Williams & Peng 1990; forking sequences, Wen et al. 2017)
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
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
from gatecast.training.workers import ALL, Part

AT_ONCE = 512  # cutoffs of the validation part
LEAST_WINDOWS = 16  # of a step that each net of an ensemble reads, where there are so many
LEAST_STREAMS = 4
NO_STREAM = Origins(np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64))
"""What is read of a step whose streams are all of other pieces: rows that nothing is learnt from."""


class Share(NamedTuple):
    """The share of one net of an ensemble in what a step reads: net `number` of `nets`."""

    number: int
    nets: int

    def of(self, all_: Int64[np.ndarray, " some"], least: int) -> Int64[np.ndarray, " share"]:
        """Its share of them: an equal one, but at least so many, for which shares overlap; all of few."""
        size = min(len(all_), max(-(-len(all_) // self.nets), least))
        first = self.number * len(all_) // self.nets
        return np.take(all_, np.arange(first, first + size), mode="wrap")


class Learnt(NamedTuple):
    """What one net learnt in a step.

    Attributes:
        loss: the mean over what was read for it.
        states: to carry into the next step.
        seen: observed targets that the mean is over.
    """

    loss: Float[Tensor, ""]
    states: States
    seen: Tensor


@dataclass(frozen=True, eq=False)
class Course(ABC):
    """The training part and the validation part, as one way of training sees them.

    Attributes:
        tensors: the table, or the part of it that this worker holds.
        validation: cutoffs of the validation part that are looked at.
        part: which windows, or series, of a step are read: all, or those of one piece.
    """

    tensors: PanelTensors
    validation: Int64[Tensor, "validation two"]
    part: Part = field(default=ALL, kw_only=True)

    @property
    @abstractmethod
    def steps_per_epoch(self) -> int:
        """Steps until every row was learnt from once."""

    @final
    def loss(self, network: Network, step: int, carried: States) -> tuple[Float[Tensor, ""], States]:
        """The loss of training step `step` (from 0), and the states to carry into the next.

        The nets of an ensemble share out what the step reads.
        """
        of_each = self.learnt(network, step, carried)
        states = tuple(state for learnt in of_each for state in learnt.states)
        return torch.stack([learnt.loss for learnt in of_each]).mean(), states

    @final
    def learnt(self, network: Network, step: int, carried: States) -> list[Learnt]:
        """What each net of an ensemble, or the one there is, learns of training step `step`."""
        nets = nets_of(network)
        each = enumerate(zip(nets, split_states(carried, len(nets)), strict=True))
        return [self.loss_of(net, step, own, Share(number, len(nets))) for number, (net, own) in each]

    @abstractmethod
    def loss_of(self, net: RecurrentNetwork, step: int, carried: States, share: Share) -> Learnt:
        """What one net learns from the part that its share has in this piece."""

    @abstractmethod
    def streams(self, step: int, share: Share) -> Int64[np.ndarray, " streams"] | None:
        """The series of a net's streams that carry a state into a step; None where none does."""

    @abstractmethod
    def validation_parts(self, network: Network) -> Iterator[tuple[Float[Tensor, ""], Tensor]]:
        """The loss of some cutoffs of the validation part after others, and their masks."""

    @final
    @torch.no_grad()
    def validation_sums(self, network: Network) -> tuple[float, float]:
        """The sum of losses over the validation part, each observed target counting once, and how many these are."""
        total, count = 0.0, 0.0
        for loss, mask in self.validation_parts(network):
            seen = float((mask > 0).sum())
            total += float(loss) * seen
            count += seen
        return total, count

    @final
    def validation_loss(self, network: Network) -> float:
        """The loss over the whole validation part, each observed target counting once."""
        total, count = self.validation_sums(network)
        return total / max(count, 1.0)


def observed(net: RecurrentNetwork, mask: Tensor, *, free: bool) -> Tensor:
    """How many targets a loss is the mean of; a recursive net that does not run free learns the first step alone."""
    steps = 1 if net.config.recursive and not free else mask.shape[1]
    return (mask[:, :steps] > 0).sum()


def nothing_learnt() -> Learnt:
    """Nothing of a step is of this piece; the step is taken all the same, with the others."""
    return Learnt(torch.zeros((), requires_grad=True), (), torch.zeros((), dtype=torch.int64))


@final
@dataclass(frozen=True, eq=False)
class Windows(Course):
    """Windows whose targets lie in the training part, in a random order each epoch.

    With `free_running`, the last so many steps run on the net's own forecasts, and so do all looks at the validation
    part, for losses of one step and of a whole horizon could not be compared.

    Attributes:
        train: the windows, or those that this worker holds.
        config: of the training.
        of_all: how many windows all workers hold; None for these alone.
    """

    train: Int64[Tensor, "train two"]
    config: TrainingConfig
    of_all: int | None = field(default=None, kw_only=True)

    @cached_property
    def sampler(self) -> Sampler:
        """Which windows a step takes."""
        windows = len(self.train) if self.of_all is None else self.of_all
        return Sampler(windows, self.config.batch_size, self.config.seed)

    @property
    def steps_per_epoch(self) -> int:
        """Steps until every window was seen once."""
        return self.sampler.steps_per_epoch

    def loss_of(self, net: RecurrentNetwork, step: int, carried: States, share: Share) -> Learnt:
        """The mean over windows; nothing is carried."""
        windows = share.of(self.sampler.batch(step), LEAST_WINDOWS)
        mine = self.part.own(windows[self.part.of(windows)])
        if not len(mine):
            return nothing_learnt()
        batch = self.tensors.gather(self.train[torch.from_numpy(mine).to(self.train.device)])
        free = self.config.free_running > 0 and step >= self.config.steps - self.config.free_running
        return Learnt(net.loss(batch, free=free), carried, observed(net, batch.mask, free=free))

    def streams(self, step: int, share: Share) -> None:
        """None: each window is read from zeros."""

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

    def loss_of(self, net: RecurrentNetwork, step: int, carried: States, share: Share) -> Learnt:
        """The mean over all rows of a chunk but the burn-in."""
        chunk = self.sampler.batch(step)
        series, position = (share.of(each, LEAST_STREAMS) for each in (chunk.series, chunk.position))
        mine = self.part.of(series)
        read = Origins(self.part.own(series[mine]), position[mine]) if len(mine) else NO_STREAM
        places = self.tensors.place(read)
        ends = self.ends[places[:, 0]] if len(mine) else places[:, 1]
        stretch = self.tensors.stretch(places, self.sampler.time, ends)
        output, states = net.read(stretch, () if chunk.fresh else carried)
        skip = self.burn_in if chunk.fresh else 0
        cutoffs = stretch.cutoffs(skip)
        loss = net.loss_from(output[:, skip:].flatten(0, 1), cutoffs)
        return Learnt(loss, tuple(part.detach() for part in states), observed(net, cutoffs.mask, free=False))

    def streams(self, step: int, share: Share) -> Int64[np.ndarray, " streams"] | None:
        """Those of its share, but at the first chunk of their pieces."""
        chunk = self.sampler.batch(step)
        return None if chunk.fresh else share.of(chunk.series, LEAST_STREAMS)

    def validation_parts(self, network: Network) -> Iterator[tuple[Float[Tensor, ""], Tensor]]:
        """One pass from the start of each series; the same cutoffs as windows have."""
        outputs = outputs_at(network, self.tensors, self.validation)
        for places, output in zip(self.validation.split(AT_ONCE), outputs.split(AT_ONCE), strict=True):
            cutoffs = self.tensors.cutoffs(places)
            yield network.loss_from(output, cutoffs), cutoffs.mask
