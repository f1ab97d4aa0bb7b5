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
from gatecast.training.group import ALONE, Group
from gatecast.training.workers import ALL, Part

AT_ONCE = 512  # cutoffs of the validation part
LEAST_WINDOWS = 16  # of a step that each net of an ensemble reads, where there are so many
LEAST_STREAMS = 4
NO_STREAM = Origins(np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64))
"""What a worker reads of a step whose streams are all of others: rows that nothing is learnt from."""


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
        loss: the mean over what this worker read for it.
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
        validation: cutoffs of the validation part that this worker looks at.
        group: the workers that train together.
        part: which windows, or series, of a step this worker reads.
    """

    tensors: PanelTensors
    validation: Int64[Tensor, "validation two"]
    group: Group = field(default=ALONE, kw_only=True)
    part: Part = field(default=ALL, kw_only=True)

    @property
    @abstractmethod
    def steps_per_epoch(self) -> int:
        """Steps until every row was learnt from once."""

    @final
    def loss(self, network: Network, step: int, carried: States) -> tuple[Float[Tensor, ""], States]:
        """The loss of training step `step` (from 0), and the states to carry into the next.

        The nets of an ensemble share out what the step reads.  Among several workers it is this one's share in the
        loss: the sum over all of them is the mean over everything that the step reads.
        """
        nets = nets_of(network)
        of_each = [
            self.loss_of(net, step, own, Share(number, len(nets)))
            for number, (net, own) in enumerate(zip(nets, split_states(carried, len(nets)), strict=True))
        ]
        losses = torch.stack([learnt.loss for learnt in of_each])
        if self.group.world > 1:
            seen = torch.stack([learnt.seen for learnt in of_each]).double()
            losses = losses * (seen / self.group.sum(seen.clone()).clamp(min=1)).to(losses.dtype)
        return losses.mean(), tuple(state for learnt in of_each for state in learnt.states)

    @abstractmethod
    def loss_of(self, net: RecurrentNetwork, step: int, carried: States, share: Share) -> Learnt:
        """What one net learns from its share, or from this worker's part of it."""

    def whole(self, network: Network, step: int, carried: States) -> States:
        """The states carried into step `step` by all workers, as one worker would carry them."""
        del network, step
        return carried

    def own(self, network: Network, step: int, whole: States) -> States:
        """This worker's part of such states."""
        del network, step
        return whole

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
        total, count = self.group.sum(torch.tensor([total, count], dtype=torch.float64)).tolist()
        return total / max(count, 1.0)


def observed(net: RecurrentNetwork, mask: Tensor, *, free: bool) -> Tensor:
    """How many targets a loss is the mean of; a recursive net that does not run free learns the first step alone."""
    steps = 1 if net.config.recursive and not free else mask.shape[1]
    return (mask[:, :steps] > 0).sum()


def nothing_learnt() -> Learnt:
    """Nothing of a step is this worker's; it takes the step all the same, with the others."""
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

    def whole(self, network: Network, step: int, carried: States) -> States:
        """The states of all streams; none before a step that starts from zeros."""
        if self.group.world == 1:
            return carried
        chunk, nets = self.sampler.batch(step), len(nets_of(network))
        if chunk.fresh:
            return ()
        whole: list[Tensor] = []
        for number, own in enumerate(split_states(carried, nets)):
            series = Share(number, nets).of(chunk.series, LEAST_STREAMS)
            said = self.group.gather((self.part.of(series), [part.cpu() for part in own]))
            whole += _assembled(said, len(series))
        return tuple(whole)

    def own(self, network: Network, step: int, whole: States) -> States:
        """The states of the streams that this worker reads."""
        if self.group.world == 1 or not whole:
            return whole
        chunk, nets = self.sampler.batch(step), len(nets_of(network))
        own: list[Tensor] = []
        for number, states in enumerate(split_states(whole, nets)):
            mine = torch.from_numpy(self.part.of(Share(number, nets).of(chunk.series, LEAST_STREAMS)))
            own += [part[:, mine] if len(mine) else torch.zeros_like(part[:, :1]) for part in states]
        return tuple(own)

    def validation_parts(self, network: Network) -> Iterator[tuple[Float[Tensor, ""], Tensor]]:
        """One pass from the start of each series; the same cutoffs as windows have."""
        outputs = outputs_at(network, self.tensors, self.validation)
        for places, output in zip(self.validation.split(AT_ONCE), outputs.split(AT_ONCE), strict=True):
            cutoffs = self.tensors.cutoffs(places)
            yield network.loss_from(output, cutoffs), cutoffs.mask


def _assembled(said: list[tuple[Int64[np.ndarray, " mine"], list[Tensor]]], streams: int) -> list[Tensor]:
    """The states of all streams, each (layers, streams, H), from those of each worker and where they stand."""
    whole = [part.new_zeros(part.shape[0], streams, *part.shape[2:]) for part in said[0][1]]
    for where, parts in said:
        for all_, part in zip(whole, parts, strict=True):
            all_[:, torch.from_numpy(where)] = part[:, : len(where)]
    return whole
