"""Adam and the learning-rate schedule, written out.

Constructing the first torch.optim optimiser imports torch's compiler, which takes about a second; these lines do the
same arithmetic at once (the tests hold them to torch.optim), and their state is plain tensors for the checkpoint.
"""

import math
from collections.abc import Iterable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gatecast.training.config import TrainingConfig

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


class Adam:
    """Adam (Kingma & Ba 2015, algorithm 1) and AdamW (Loshchilov & Hutter 2019, algorithm 2).

    All weights are moved into one vector, of which the parameters become views, and the gradients too: a step is a
    handful of operations and not a handful for each matrix.  With nets of this size calls cost more than arithmetic.

    Attributes:
        weights: every weight, end to end.
        first: the running mean of the gradient (m in the paper).
        second: the running mean of its square (v in the paper).
    """

    def __init__(self, parameters: Iterable[nn.Parameter], *, weight_decay: float, decoupled: bool) -> None:
        self.parameters = list(parameters)
        self.weight_decay = weight_decay
        self.decoupled = decoupled
        self.weights = flat(self.parameters)
        for p, part in zip(self.parameters, self.weights.split([p.numel() for p in self.parameters]), strict=True):
            p.data = part.view_as(p)
        self.first = torch.zeros_like(self.weights)
        self.second = torch.zeros_like(self.weights)

    @torch.no_grad()
    def step(self, gradient: Float[Tensor, " weights"], number: int, learning_rate: float) -> None:
        """Take step `number` (from 1) along `gradient`, laid out as by `gradient()`."""
        if self.weight_decay and not self.decoupled:
            gradient = gradient.add(self.weights, alpha=self.weight_decay)
        self.first.lerp_(gradient, 1 - BETA1)
        self.second.mul_(BETA2).addcmul_(gradient, gradient, value=1 - BETA2)
        spread = self.second.sqrt().div_(math.sqrt(1 - BETA2**number)).add_(EPSILON)
        if self.decoupled:
            self.weights.mul_(1 - learning_rate * self.weight_decay)
        self.weights.addcdiv_(self.first, spread, value=-learning_rate / (1 - BETA1**number))

    def clear_gradient(self) -> None:
        """Forget the gradients of the last `backward`."""
        for p in self.parameters:
            p.grad = None

    def gradient(self) -> Float[Tensor, " weights"]:
        """The gradients of the last `backward`, end to end."""
        return flat(p.grad if p.grad is not None else torch.zeros_like(p) for p in self.parameters)


def flat(tensors: Iterable[Tensor]) -> Float[Tensor, " weights"]:
    """Tensors laid end to end."""
    return torch.cat([tensor.detach().flatten() for tensor in tensors])


def clip(gradient: Float[Tensor, " weights"], most: float) -> float:
    """Scale a gradient down to a norm of `most` (Pascanu et al. 2013, algorithm 1); returns the norm before."""
    norm = float(gradient.norm())
    if norm > most:
        gradient.mul_(most / norm)
    return norm


def learning_rate(config: TrainingConfig, step: int, done: float | None = None) -> float:
    """The learning rate of step `step` (from 0): a pure function, so there is no scheduler to save.

    With a time budget, `done` is the share of it that is spent, and takes the place of the share of steps.
    """
    if config.schedule == "constant":
        return config.learning_rate
    warm_up = max(1, min(100, config.steps // 20))
    if step < warm_up:
        return config.learning_rate * (step + 1) / warm_up
    share = (step - warm_up) / max(1, config.steps - warm_up) if done is None else min(1.0, done)
    return config.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * share)))
