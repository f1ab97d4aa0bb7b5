"""The training loop: a generator of steps, so that logging, plotting and stopping are the caller's `for` body.

for record in train(network, data, config, state):
    print(record.step, record.loss)
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int64
from msgspec import Struct
from torch import Tensor

from gatecast.data.batches import PanelTensors
from gatecast.data.sampling import Sampler
from gatecast.errors import TrainingError
from gatecast.models.network import RecurrentNetwork
from gatecast.training.config import TrainingConfig
from gatecast.training.optimiser import Adam, clip, learning_rate


@dataclass(frozen=True, eq=False)
class TrainingData:
    """What training sees: windows whose targets lie in the training part, and windows of the validation part."""

    tensors: PanelTensors
    train: Int64[Tensor, "train_windows two"]
    validation: Int64[Tensor, "validation_windows two"]


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

    The order of the windows and the dropout masks are functions of (seed, step), so the step number stands for every
    random generator.

    Attributes:
        step: steps taken.
        optimiser: the weights' moments.
        best_weights: the weights with the lowest validation loss so far.
        best_validation: that loss.
        best_step: the step it was seen at.
        stale: looks at the validation part since then.
    """

    def __init__(self, network: RecurrentNetwork, config: TrainingConfig) -> None:
        self.step = 0
        self.optimiser = Adam(
            network.parameters(), weight_decay=config.weight_decay, decoupled=config.optimiser == "adamw"
        )
        self.best_weights = copy_weights(network)
        self.best_validation = math.inf
        self.best_step = 0
        self.stale = 0

    def note_validation(self, network: RecurrentNetwork, validation: float) -> bool:
        """Remember the weights if they are the best so far; returns whether they are."""
        if validation < self.best_validation:
            self.best_weights = copy_weights(network)
            self.best_validation, self.best_step, self.stale = validation, self.step, 0
            return True
        self.stale += 1
        return False

    def finished(self, config: TrainingConfig) -> bool:
        """Whether all steps are taken, or patience has run out."""
        return self.step >= config.steps or self.stale >= config.patience


def copy_weights(network: RecurrentNetwork) -> dict[str, Tensor]:
    """A copy of the weights that training will not touch."""
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}


def train(
    network: RecurrentNetwork, data: TrainingData, config: TrainingConfig, state: TrainingState
) -> Iterator[StepRecord]:
    """Take steps until `state.finished(config)`, changing `network` and `state`, and yield a record after each.

    The untrained net is looked at first: it forecasts its base, and training keeps it unless it finds better.

    Raises:
        TrainingError: the loss is no longer a number.
    """
    if state.step == 0 and math.isinf(state.best_validation):
        state.note_validation(network, validation_loss(network, data))
    sampler = Sampler(len(data.train), config.batch_size, config.seed)
    network.train()
    while not state.finished(config):
        yield _step(network, data, config, state, sampler)


def _step(
    network: RecurrentNetwork, data: TrainingData, config: TrainingConfig, state: TrainingState, sampler: Sampler
) -> StepRecord:
    places = data.train[torch.from_numpy(sampler.batch(state.step))]
    rate = learning_rate(config, state.step)
    with _dropout_seed(network, config.seed, state.step):
        loss = network.loss(data.tensors.gather(places))
    state.optimiser.clear_gradient()
    loss.backward()
    value = float(loss.detach())
    gradient = state.optimiser.gradient()
    norm = clip(gradient, config.clip_norm)
    _check(value, norm, state.step)
    state.step += 1
    state.optimiser.step(gradient, state.step, rate)
    validation, best = None, False
    if state.step % config.evaluate_every == 0 or state.step == config.steps:
        validation = validation_loss(network, data)
        network.train()
        best = state.note_validation(network, validation)
    epoch = state.step / sampler.steps_per_epoch
    return StepRecord(state.step, epoch, value, rate, norm, validation, best)


@contextmanager
def _dropout_seed(network: RecurrentNetwork, seed: int, step: int) -> Iterator[None]:
    """Make the dropout masks of a step a function of (seed, step); the caller's generator is left as it was."""
    if not network.config.layer.is_random:
        yield
        return
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(np.random.SeedSequence((seed, step)).generate_state(1, np.uint64)[0] >> np.uint64(1)))
        yield


def _check(loss: float, norm: float, step: int) -> None:
    if math.isfinite(loss) and math.isfinite(norm):
        return
    raise TrainingError(
        f"the loss is {loss} and the gradient norm {norm} at step {step + 1}: training cannot go on. "
        f"Lower training.learning_rate (a tenth is a good try) or training.clip_norm, and look for extreme values in "
        f"the data."
    )


@torch.no_grad()
def validation_loss(network: RecurrentNetwork, data: TrainingData, batch_size: int = 512) -> float:
    """The loss over the whole validation part, each observed target counting once."""
    network.eval()
    total, count = 0.0, 0.0
    for places in data.validation.split(batch_size):
        batch = data.tensors.gather(places)
        observed = float(batch.mask.sum())
        total += float(network.loss(batch)) * observed
        count += observed
    return total / max(count, 1.0)
