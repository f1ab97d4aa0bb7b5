"""Encoders: from what is read at each row to states.

steps       one update of the state for each row
segments    one for each `segment` rows, joined by a linear layer (Lin et al. 2023, SegRNN, section 3.2): the state
            goes through `segment` times fewer updates, so that it spans long lookbacks
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gatecast.cells.equations import States
from gatecast.nn import LayerConfig, recurrent_layer


class Encoded(NamedTuple):
    """The top layer's output at each update, and the state after the last, as the layer gives it."""

    output: Float[Tensor, "batch updates features"]
    state: Tensor | States


class StepEncoder(nn.Module):
    """The recurrent layers, read row by row."""

    def __init__(self, config: LayerConfig, features: int, lookback: int) -> None:
        super().__init__()
        self.layer = recurrent_layer(config, features, lookback)

    def forward(self, inputs: Float[Tensor, "batch time features"], state: Tensor | States | None = None) -> Encoded:
        """Read on from a state; zeros if None."""
        return Encoded(*self.layer(inputs, state))


class SegmentEncoder(nn.Module):
    """The recurrent layers, read `segment` rows at a time; the oldest rows that fill no segment are left out."""

    def __init__(self, config: LayerConfig, features: int, lookback: int, segment: int) -> None:
        super().__init__()
        self.segment = segment
        self.join = nn.Linear(segment * features, config.hidden_size)
        self.layer = recurrent_layer(config, config.hidden_size, lookback // segment)

    def forward(self, inputs: Float[Tensor, "batch time features"], state: Tensor | States | None = None) -> Encoded:
        """Read on from a state; zeros if None."""
        whole = inputs.shape[1] // self.segment * self.segment
        segments = inputs[:, -whole:].unflatten(1, (-1, self.segment)).flatten(2)  # (B, L / P, P * F)
        return Encoded(*self.layer(torch.relu(self.join(segments)), state))


def encoder(config: LayerConfig, features: int, lookback: int, segment: int) -> StepEncoder | SegmentEncoder:
    """The encoder that reads `segment` rows for each update."""
    if segment == 1:
        return StepEncoder(config, features, lookback)
    return SegmentEncoder(config, features, lookback, segment)
