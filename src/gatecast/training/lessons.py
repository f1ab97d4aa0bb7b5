"""What several nets learn from, each its own course over one table; the windows of all are gathered at once."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from gatecast.cells.equations import States
from gatecast.data.sampling import Sampler
from gatecast.data.splits import Origins
from gatecast.data.tensors import PanelTensors
from gatecast.models.stack import NetStack
from gatecast.models.stack_passing import outputs_of
from gatecast.training.courses import Course, Sequences, Windows

AT_ONCE = 4096  # cutoffs of the validation parts of all nets

Numbers = Int64[Tensor, " nets"]
"""Which nets are meant, of all that began."""

Judged = tuple[Float[Tensor, " nets"], Float[Tensor, "windows horizon targets"]]
"""The loss of each net over some windows of its own, and the masks of all of them."""


class Lessons(ABC):
    """The courses of several nets.

    Windows are as many for each net as for the one with the most; what fills up is masked, so it changes no loss.
    """

    def __init__(self, courses: Sequence[Course]) -> None:
        self.tensors: PanelTensors = courses[0].tensors
        self.judged, self.judged_real = _filled_up([course.validation for course in courses])

    @abstractmethod
    def losses(
        self, stack: NetStack, nets: Numbers, step: int, carried: States
    ) -> tuple[Float[Tensor, " nets"], States]:
        """The loss of each net at training step `step` (from 0), and the states to carry into the next."""

    @abstractmethod
    def _judge(self, stack: NetStack, nets: Numbers) -> Iterator[Judged]:
        """The loss of each net at some cutoffs of its validation part after others, and their masks."""

    @final
    @torch.no_grad()
    def validation_losses(self, stack: NetStack, nets: Numbers) -> Float[Tensor, " nets"]:
        """The loss of each net over its whole validation part, each observed target counting once; in float64."""
        stack.train(mode=False)
        total = torch.zeros(len(nets), dtype=torch.float64)
        count = torch.zeros(len(nets), dtype=torch.float64)
        for losses, mask in self._judge(stack, nets):
            observed = (mask > 0).unflatten(0, (len(nets), -1)).flatten(1).sum(dim=1)
            total += losses.double() * observed
            count += observed
        stack.train()
        return total / count.clamp(min=1)

    def _parts(self, nets: Numbers) -> Iterator[slice]:
        """Some cutoffs of the validation parts after others."""
        size, most = max(1, AT_ONCE // len(nets)), self.judged.shape[1]
        yield from (slice(first, first + size) for first in range(0, most, size))


@final
class WindowLessons(Lessons):
    """Of `Windows`."""

    def __init__(self, courses: Sequence[Windows]) -> None:
        super().__init__(courses)
        shared = {id(course.train): course.train for course in courses}  # trials read the same windows
        starts = dict(zip(shared, np.cumsum([0, *map(len, shared.values())]).tolist(), strict=False))
        self._train = torch.cat(list(shared.values()))
        self._first = torch.tensor([starts[id(course.train)] for course in courses])
        samplers = [course.sampler for course in courses]
        self._drawn = [_Drawn(sampler) for sampler in dict.fromkeys(samplers)]
        numbers = {sampler: number for number, sampler in enumerate(dict.fromkeys(samplers))}
        self._sampler = torch.tensor([numbers[sampler] for sampler in samplers])

    def losses(
        self, stack: NetStack, nets: Numbers, step: int, carried: States
    ) -> tuple[Float[Tensor, " nets"], States]:
        """The mean over the windows of each net; nothing is carried."""
        kinds, kind = torch.unique(self._sampler[nets], return_inverse=True)
        drawn, real = _filled_up([self._drawn[number].batch(step) for number in kinds.tolist()])
        places = self._train[self._first[nets, None] + drawn[kind]]  # (K, B, 2)
        return self._losses(stack, places, real[kind])[0], carried

    def _judge(self, stack: NetStack, nets: Numbers) -> Iterator[Judged]:
        places, real = self.judged[nets], self.judged_real[nets]
        for part in self._parts(nets):
            yield self._losses(stack, places[:, part], real[:, part])

    def _losses(
        self, stack: NetStack, places: Int64[Tensor, "nets some two"], real: Bool[Tensor, "nets some"]
    ) -> Judged:
        batch = self.tensors.gather(places.flatten(0, 1))
        batch = replace(batch, mask=batch.mask * real.flatten()[:, None, None])
        return stack.losses(batch), batch.mask


class _Drawn:
    """The order of a sampler's windows in the epoch that training is in."""

    def __init__(self, sampler: Sampler) -> None:
        self._sampler, self._epoch, self._order = sampler, -1, torch.empty(0, dtype=torch.int64)

    def batch(self, step: int) -> Int64[Tensor, " batch"]:
        """The windows of training step `step` (counted from 0)."""
        epoch, place = divmod(step, self._sampler.steps_per_epoch)
        if epoch != self._epoch:
            self._epoch, self._order = epoch, torch.from_numpy(self._sampler.order(epoch))
        size = self._sampler.batch_size
        return self._order[place * size : (place + 1) * size]


@final
class SequenceLessons(Lessons):
    """Of `Sequences` with chunks of one shape."""

    def __init__(self, courses: Sequence[Sequences]) -> None:
        super().__init__(courses)
        self._samplers = [course.sampler for course in courses]
        self._ends, self._burn_in = courses[0].ends, courses[0].burn_in

    def losses(
        self, stack: NetStack, nets: Numbers, step: int, carried: States
    ) -> tuple[Float[Tensor, " nets"], States]:
        """The mean over all rows of each net's chunk but the burn-in."""
        chunks = [self._samplers[number].batch(step) for number in nets.tolist()]
        series, position = (
            np.concatenate(part) for part in zip(*((c.series, c.position) for c in chunks), strict=True)
        )
        places = self.tensors.place(Origins(series, position))
        stretch = self.tensors.stretch(places, self._samplers[0].time, self._ends[places[:, 0]])
        fresh = chunks[0].fresh
        output, states = stack.read(stretch, () if fresh else carried)
        skip = self._burn_in if fresh else 0
        losses = stack.losses_from(output[:, :, skip:].flatten(1, 2), stretch.cutoffs(skip))
        return losses, tuple(part.detach() for part in states)

    def _judge(self, stack: NetStack, nets: Numbers) -> Iterator[Judged]:
        places, real = self.judged[nets], self.judged_real[nets]
        outputs = outputs_of(stack, self.tensors, places)
        for part in self._parts(nets):
            cutoffs = self.tensors.cutoffs(places[:, part].flatten(0, 1))
            cutoffs = replace(cutoffs, mask=cutoffs.mask * real[:, part].flatten()[:, None, None])
            yield stack.losses_from(outputs[:, part], cutoffs), cutoffs.mask


def _filled_up(parts: Sequence[Tensor]) -> tuple[Tensor, Bool[Tensor, "parts most"]]:
    """Parts of different lengths side by side, the shorter ones filled up with their first; and which are real."""
    most = max(len(part) for part in parts)
    filled = torch.stack([torch.cat([part, part[:1].expand(most - len(part), *part.shape[1:])]) for part in parts])
    return filled, torch.arange(most) < torch.tensor([len(part) for part in parts])[:, None]
