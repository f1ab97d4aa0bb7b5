"""Many nets of one shape trained as one batched problem: a generator of looks, so that pruning is the caller's.

state = ManyState([Learner(net, course, config), ...])
for looks in train_many(state):
    state.drop(number for number in the_worst_of(looks))

Each net has its own course, seed, learning rate, weight decay, clipping, steps and patience, and ends as it would
alone, up to rounding.  One that has finished, is dropped or has lost its way leaves: the others go on without it.

It pays for at least four nets without dilations, with one batch size and little work a step (`benchmarks/many.py`).
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from msgspec import Struct
from torch import Tensor

from gatecast.cells.equations import States
from gatecast.models.network import RecurrentNetwork
from gatecast.models.stack import NetStack, stack_nets
from gatecast.training.config import TrainingConfig
from gatecast.training.courses import Course
from gatecast.training.lessons import Lessons
from gatecast.training.stackable import check_together, lessons_of
from gatecast.training.stacked_adam import StackedAdam


class Learner(NamedTuple):
    """One net among many: it begins with the weights that it has, which are never changed."""

    net: RecurrentNetwork
    course: Course
    config: TrainingConfig


class NetLook(Struct, frozen=True):
    """A look at the validation part of one net.

    Attributes:
        net: its number among the learners.
        step: steps taken.
        loss: of its last training step.
        validation: the loss on its validation part.
        best: whether that is the lowest so far.
    """

    net: int
    step: int
    loss: float
    validation: float
    best: bool


class ManyState:
    """Everything that training many nets changes.

    Attributes:
        step: steps taken by those that are still inside.
        inside: the numbers of the nets that still learn.
        best_validation: the lowest validation loss of each net.
        best_step: the step it was seen at.
        stale: looks of each net since then.
        lost: nets whose loss was no longer a number, with the step: they keep their best weights from before.

    Args:
        learners: the nets.
        stack: their first weights, where these are at hand in a stack; those of the learners' nets if None.

    Raises:
        OptionError: they cannot be trained at once; the message says why.
    """

    def __init__(self, learners: Sequence[Learner], stack: NetStack | None = None) -> None:
        courses = [learner.course for learner in learners]
        self.configs = tuple(learner.config for learner in learners)
        check_together(courses, self.configs, [learner.net.config for learner in learners])
        self.lessons: Lessons = lessons_of(courses)
        self.stack = stack or stack_nets([learner.net for learner in learners])
        self.optimiser = StackedAdam(self.stack.weights.detach(), self.configs)
        self.step = 0
        self.carried: States = ()
        self.inside = torch.arange(len(learners))
        self.best_validation = np.full(len(learners), math.inf)
        self.best_step, self.stale = (np.zeros(len(learners), dtype=np.int64) for _ in range(2))
        self.best_weights = self.stack.weights.detach().clone()
        self.lost: dict[int, int] = {}

    def best(self, net: int) -> dict[str, Tensor]:
        """The best weights of a net by the names of its `state_dict`."""
        return self.stack.weights_of(self.best_weights[net])

    def drop(self, nets: Iterable[int]) -> None:
        """Let nets learn no further; their best weights stay."""
        left_out = torch.tensor(list(nets), dtype=torch.int64)
        keep = torch.nonzero(~torch.isin(self.inside, left_out)).flatten()
        if len(keep) == len(self.inside):
            return
        self.inside = self.inside[keep]
        self.stack.only(keep)
        self.optimiser.only(keep)
        self.carried = tuple(part[keep] for part in self.carried)

    def note(self, places: Sequence[int], validation: Float[Tensor, " nets"]) -> list[bool]:
        """Remember the weights of the nets at these places of the stack, where they are the best so far."""
        found = []
        for place in places:
            net, loss = int(self.inside[place]), float(validation[place])
            better = bool(loss < self.best_validation[net])
            if better:
                self.best_weights[net] = self.stack.weights.detach()[place]
                self.best_validation[net], self.best_step[net] = loss, self.step
            self.stale[net] = 0 if better else self.stale[net] + 1
            found.append(better)
        return found

    def finished(self) -> list[int]:
        """Those inside that have taken all their steps, or run out of patience."""
        nets: list[int] = self.inside.tolist()
        return [n for n in nets if self.step >= self.configs[n].steps or self.stale[n] >= self.configs[n].patience]


def train_many(state: ManyState) -> Iterator[tuple[NetLook, ...]]:
    """Take steps until no net is left inside, changing `state`, and yield a look at all of them whenever it is time.

    The untrained nets are looked at first, as `train` does: each keeps its first weights unless it finds better.
    """
    if state.step == 0:
        state.note(range(len(state.inside)), state.lessons.validation_losses(state.stack, state.inside))
    while len(state.inside):
        losses = step_many(state)
        if not len(state.inside):
            return
        due = _due(state)
        if due:
            validation = state.lessons.validation_losses(state.stack, state.inside)
            best = state.note(due, validation)
            yield tuple(
                NetLook(int(state.inside[place]), state.step, float(losses[place]), float(validation[place]), found)
                for place, found in zip(due, best, strict=True)
            )
            state.drop(state.finished())


def _due(state: ManyState) -> list[int]:
    """The places in the stack of the nets that are looked at after this step."""
    configs = [state.configs[net] for net in state.inside.tolist()]
    return [
        place
        for place, config in enumerate(configs)
        if state.step % config.evaluate_every == 0 or state.step >= config.steps
    ]


def step_many(state: ManyState) -> Float[Tensor, " nets"]:
    """One step of every net inside; returns their losses, without those that have lost their way."""
    losses, state.carried = state.lessons.losses(state.stack, state.inside, state.step, state.carried)
    (gradient,) = torch.autograd.grad(losses.sum(), state.stack.weights)
    losses = losses.detach()
    gradient, norms = state.optimiser.clipped(gradient)
    whole = torch.isfinite(losses) & torch.isfinite(norms)
    state.step += 1
    if not whole.all():
        lost = state.inside[~whole].tolist()
        state.lost |= dict.fromkeys(lost, state.step)
        state.drop(lost)
        gradient, losses = gradient[whole], losses[whole]
    if len(state.inside):
        state.optimiser.step(state.stack.weights.detach(), gradient, state.step)
    return losses
