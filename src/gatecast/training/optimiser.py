"""Adam and the learning-rate schedule, written out.

Constructing the first torch.optim optimiser imports torch's compiler, which takes about a second; these lines do the
same arithmetic at once (the tests hold them to torch.optim), and their state is plain tensors for the checkpoint.
"""

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from gatecast.training.config import TrainingConfig

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


class Adam:
    """Adam (Kingma & Ba 2015, algorithm 1) and AdamW (Loshchilov & Hutter 2019, algorithm 2).

    Attributes:
        first: the running mean of the gradient, one tensor for each parameter (m in the paper).
        second: the running mean of its square (v in the paper).
    """

    def __init__(self, parameters: Iterable[nn.Parameter], *, weight_decay: float, decoupled: bool) -> None:
        self.parameters = list(parameters)
        self.weight_decay = weight_decay
        self.decoupled = decoupled
        self.first = [torch.zeros_like(p) for p in self.parameters]
        self.second = [torch.zeros_like(p) for p in self.parameters]

    @torch.no_grad()
    def step(self, number: int, learning_rate: float) -> None:
        """Take step `number` (from 1) along the gradients that the parameters hold."""
        correction1, correction2 = 1 - BETA1**number, 1 - BETA2**number
        for p, m, v in zip(self.parameters, self.first, self.second, strict=True):
            gradient = self._decay(p, learning_rate)
            m.lerp_(gradient, 1 - BETA1)
            v.mul_(BETA2).addcmul_(gradient, gradient, value=1 - BETA2)
            spread = v.sqrt().div_(math.sqrt(correction2)).add_(EPSILON)
            p.addcdiv_(m, spread, value=-learning_rate / correction1)

    def _decay(self, p: nn.Parameter, learning_rate: float) -> Tensor:
        """The gradient with weight decay in it, or, decoupled, the weight shrunk beside it."""
        gradient = p.grad if p.grad is not None else torch.zeros_like(p)
        if not self.weight_decay:
            return gradient
        if not self.decoupled:
            return gradient.add(p, alpha=self.weight_decay)
        p.mul_(1 - learning_rate * self.weight_decay)
        return gradient


def learning_rate(config: TrainingConfig, step: int) -> float:
    """The learning rate of step `step` (from 0): a pure function, so there is no scheduler to save."""
    if config.schedule == "constant":
        return config.learning_rate
    warm_up = max(1, min(100, config.steps // 20))
    if step < warm_up:
        return config.learning_rate * (step + 1) / warm_up
    share = (step - warm_up) / max(1, config.steps - warm_up)
    return config.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * share)))
