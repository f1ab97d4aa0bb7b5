"""Adam, clipping and the learning rate for several nets at once; each net has settings of its own.

The arithmetic is that of `optimiser.py`, a row of weights for each net.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gatecast.training.config import TrainingConfig
from gatecast.training.optimiser import BETA1, BETA2, EPSILON, learning_rate


class StackedAdam:
    """The moments of all nets, and the settings of each.

    Attributes:
        first: the running mean of each net's gradient.
        second: the running mean of its square.
    """

    def __init__(self, weights: Float[Tensor, "nets numbers"], configs: Sequence[TrainingConfig]) -> None:
        self.first, self.second = torch.zeros_like(weights), torch.zeros_like(weights)
        self._kinds = list(dict.fromkeys(configs))  # thousands of nets may share one
        numbers = {config: number for number, config in enumerate(self._kinds)}
        self._kind = torch.tensor([numbers[config] for config in configs])

    def only(self, keep: Int64[Tensor, " kept"]) -> None:
        """Forget all nets but these."""
        self.first, self.second, self._kind = self.first[keep], self.second[keep], self._kind[keep]

    def clipped(
        self, gradient: Float[Tensor, "nets numbers"]
    ) -> tuple[Float[Tensor, "nets numbers"], Float[Tensor, " nets"]]:
        """The gradient of each net, scaled down to the norm it may have, and the norms before."""
        norms = gradient.norm(dim=1)
        most = self._said([config.clip_norm for config in self._kinds], gradient)[:, 0]
        return gradient * torch.where(norms > most, most / norms, torch.ones_like(norms))[:, None], norms

    @torch.no_grad()
    def step(self, weights: Tensor, gradient: Float[Tensor, "nets numbers"], number: int) -> None:
        """Take step `number` (from 1) along the gradient of each net."""
        rate = self._said([learning_rate(config, number - 1) for config in self._kinds], gradient)
        joined = self._said([_decay(config, decoupled=False) for config in self._kinds], gradient)
        apart = self._said([_decay(config, decoupled=True) for config in self._kinds], gradient)
        gradient = gradient + joined * weights
        self.first.lerp_(gradient, 1 - BETA1)
        self.second.mul_(BETA2).addcmul_(gradient, gradient, value=1 - BETA2)
        spread = self.second.sqrt().div_(math.sqrt(1 - BETA2**number)).add_(EPSILON)
        weights.mul_(1 - rate * apart)
        weights.sub_(rate / (1 - BETA1**number) * self.first / spread)

    def _said(self, values: Sequence[float], like: Tensor) -> Float[Tensor, "nets one"]:
        """A number for each net, from one for each of the settings."""
        return torch.tensor(values, dtype=like.dtype)[self._kind, None]


def _decay(config: TrainingConfig, *, decoupled: bool) -> float:
    """The weight decay, where it is applied in this way."""
    return config.weight_decay if (config.optimiser == "adamw") == decoupled else 0.0
