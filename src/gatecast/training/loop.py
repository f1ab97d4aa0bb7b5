"""The training loop: a generator of steps, so that logging, plotting and stopping are the caller's `for` body.

for record in train(network, course, config, state):
    print(record.step, record.loss)
"""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np
import torch
from msgspec import Struct
from torch import Tensor

from gatecast.cells.equations import States
from gatecast.errors import TrainingError
from gatecast.models.ensemble import Network
from gatecast.training.config import TrainingConfig
from gatecast.training.courses import Course
from gatecast.training.devices import generators_beside_cpu
from gatecast.training.optimiser import Adam, clip, learning_rate
from gatecast.training.pieces import Pieces, in_pieces


class StepRecord(Struct, frozen=True):
    """One training step, as it is logged; `validation` only on the steps that looked at the validation part."""

    step: int
    epoch: float
    loss: float
    learning_rate: float
    gradient_norm: float
    validation: float | None = None
    best: bool = False


class TrainingState:
    """Everything that training changes, as a value: save it, load it, and training goes on as if never stopped.

    What a step learns from and the dropout masks are functions of (seed, step), so the step number stands for every
    random generator.

    Attributes:
        step: steps taken.
        optimiser: the weights' moments.
        best_weights: the weights with the lowest validation loss so far.
        best_validation: that loss.
        best_step: the step it was seen at.
        stale: looks at the validation part since then.
        seconds: time spent in steps and looks, where there is a budget for it.
        carried: the states that the next step reads on from; empty where it starts from zeros.
    """

    def __init__(self, network: Network, config: TrainingConfig) -> None:
        self.step = 0
        self.optimiser = Adam(
            network.parameters(), weight_decay=config.weight_decay, decoupled=config.optimiser == "adamw"
        )
        self.best_weights = copy_weights(network)
        self.best_validation = math.inf
        self.best_step = 0
        self.stale = 0
        self.seconds = 0.0
        self.carried: States = ()

    def note_validation(self, network: Network, validation: float) -> bool:
        """Remember the weights if they are the best so far; returns whether they are."""
        if validation < self.best_validation:
            self.best_weights = copy_weights(network)
            self.best_validation, self.best_step, self.stale = validation, self.step, 0
            return True
        self.stale += 1
        return False

    def finished(self, config: TrainingConfig) -> bool:
        """Whether all steps are taken, the time budget is spent, or patience has run out."""
        return self.done(config) >= 1 or self.stale >= config.patience

    def done(self, config: TrainingConfig) -> float:
        """The share of the steps taken, or of the budget spent."""
        return self.step / config.steps if config.most_seconds is None else self.seconds / config.most_seconds


def copy_weights(network: Network) -> dict[str, Tensor]:
    """A copy of the weights that training will not touch."""
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}


def train(
    network: Network, course: Course | Pieces, config: TrainingConfig, state: TrainingState
) -> Iterator[StepRecord]:
    """Take steps until `state.finished(config)`, changing `network` and `state`, and yield a record after each.

    The untrained net is looked at first: it forecasts its base, and training keeps it unless it finds better.

    Raises:
        TrainingError: the loss is no longer a number.
    """
    started, pieces = time.perf_counter(), in_pieces(course)
    if state.step == 0 and math.isinf(state.best_validation):
        state.note_validation(network, _validation_loss(network, pieces))
    look = _since(started, pieces, config)
    state.seconds += look
    network.train()
    while not state.finished(config):
        started = time.perf_counter()
        loss, norm, rate = _step(network, pieces, config, state)
        taken = _since(started, pieces, config)
        state.seconds += taken
        # The last look is part of the budget: it is taken while there is time for it, but none for a step more.
        if config.most_seconds is not None and state.seconds + 2 * taken + look >= config.most_seconds:
            state.seconds = config.most_seconds
        validation, best = None, False
        if state.step % config.evaluate_every == 0 or state.done(config) >= 1:
            started = time.perf_counter()
            validation = _validation_loss(network, pieces)
            network.train()
            best = state.note_validation(network, validation)
            look = _since(started, pieces, config)
            state.seconds += look
        yield StepRecord(state.step, state.step / pieces.steps_per_epoch, loss, rate, norm, validation, best)


def _since(started: float, pieces: Pieces, config: TrainingConfig) -> float:
    """Seconds since then; where a budget hangs on them, those of the first worker, so that all stop together."""
    seconds = time.perf_counter() - started
    return seconds if config.most_seconds is None else pieces.group.first(seconds)


def _step(network: Network, pieces: Pieces, config: TrainingConfig, state: TrainingState) -> tuple[float, float, float]:
    """One step; returns the loss, the norm of the gradient and the learning rate."""
    done = None if config.most_seconds is None else state.done(config)
    rate = learning_rate(config, state.step, done)
    seeded = partial(_dropout_seed, network, (config.seed, state.step))
    losses, state.carried = pieces.losses(network, state.step, state.carried, seeded)
    both = pieces.sum([_gradient_and_loss(loss, state.optimiser) for loss in losses])
    gradient, value = both[:-1], float(both[-1])
    norm = clip(gradient, config.clip_norm)
    _check(value, norm, state.step)
    state.step += 1
    state.optimiser.step(gradient, state.step, rate)
    return value, norm, rate


def _gradient_and_loss(loss: Tensor, optimiser: Adam) -> Tensor:
    """The gradients of one piece, end to end, and after them its share in the loss."""
    optimiser.clear_gradient()
    loss.backward()
    gradient = optimiser.gradient()
    return torch.cat([gradient, loss.detach().to(gradient).reshape(1)])


def _validation_loss(network: Network, pieces: Pieces) -> float:
    network.eval()
    return pieces.validation_loss(network)


@contextmanager
def _dropout_seed(network: Network, seed: tuple[int, int], piece: int) -> Iterator[None]:
    """Make the dropout masks of a piece of a step a function of (seed, step); the caller's generator is left as it was.

    Those of the first piece are those that a step in one piece has.
    """
    if not network.config.draws:
        yield
        return
    others = generators_beside_cpu(network)
    with torch.random.fork_rng(devices=others):
        sequence = np.random.SeedSequence((*seed, piece) if piece else seed)
        torch.manual_seed(int(sequence.generate_state(1, np.uint64)[0] >> np.uint64(1)))
        yield


def _check(loss: float, norm: float, step: int) -> None:
    if math.isfinite(loss) and math.isfinite(norm):
        return
    raise TrainingError(
        f"the loss is {loss:g} and the gradient norm {norm:g} at step {step + 1}: training cannot go on. "
        f"Lower training.learning_rate (a tenth is a good try) or training.clip_norm, and look for extreme values in "
        f"the data."
    )
