"""Heads: from what the encoder knows at the cutoff to every step of the horizon.

A *direct* head reads all H steps from the state at the cutoff, the only state that has seen every observation.
Reading step k from an older state (as when the states are shifted by the horizon) would forget the last H - k of them.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn


class DirectHead(nn.Module):
    """All steps at once (Wen et al. 2017, MQ-RNN, section 3.2).

    Without known inputs this is one linear layer.  With them, the state gives each step a context, and a small net
    shared by all steps joins the context with what is known of that step (its hour, its holiday).
    """

    def __init__(self, features: int, known: int, horizon: int, outputs: int) -> None:
        super().__init__()
        self.horizon = horizon
        self.known = known
        width = _CONTEXT if known else outputs
        self.context = nn.Linear(features, horizon * width)
        if known:
            self.join = nn.Linear(width + known, _JOINT)
            self.output = nn.Linear(_JOINT, outputs)
        # Zero at the start: an untrained net forecasts its base, the naive forecast, and training can only add to it.
        last = self.output if known else self.context
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)

    def forward(
        self, state: Float[Tensor, "batch features"], known: Float[Tensor, "batch horizon known"]
    ) -> Float[Tensor, "batch horizon outputs"]:
        """One row of outputs for each step of the horizon."""
        context = self.context(state).unflatten(-1, (self.horizon, -1))  # (B, H, width)
        if not self.known:
            return context
        return self.output(torch.relu(self.join(torch.cat([context, known], dim=-1))))


_CONTEXT = 16  # features of each step's context
_JOINT = 32  # units of the net shared by all steps


class Highway(nn.Module):
    """A linear forecast from the window itself, added to the net's (Lai et al. 2018, LSTNet, section 3.5).

    One set of weights serves every target.  It starts at zero.
    """

    def __init__(self, lookback: int, horizon: int) -> None:
        super().__init__()
        self.linear = nn.Linear(lookback, horizon)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, window: Float[Tensor, "batch lookback targets"]) -> Float[Tensor, "batch horizon targets"]:
        """The linear part of the forecast."""
        return self.linear(window.transpose(1, 2)).transpose(1, 2)
