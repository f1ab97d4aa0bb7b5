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
from gatecast.models.linear import Linear
from gatecast.nn import LayerConfig, recurrent_layer


class Encoded(NamedTuple):
    """The top layer's output at each update, and the state after the last, as the layer gives it."""

    output: Float[Tensor, "batch updates features"]
    state: Tensor | States


class EncoderSizes(NamedTuple):
    """What an encoder reads: features of each row, features that do not change, and rows for each update."""

    rows: int
    static: int
    lookback: int
    segment: int


class StepEncoder(nn.Module):
    """The recurrent layers, read row by row; what does not change with time is read at every row."""

    def __init__(self, config: LayerConfig, sizes: EncoderSizes) -> None:
        super().__init__()
        self.layer = recurrent_layer(config, sizes.rows + sizes.static, sizes.lookback)

    def forward(
        self,
        rows: Float[Tensor, "batch time rows"],
        static: Float[Tensor, "batch static"],
        state: Tensor | States | None = None,
    ) -> Encoded:
        """Read on from a state; zeros if None."""
        if static.shape[1]:
            rows = torch.cat([rows, static[:, None].expand(-1, rows.shape[1], -1)], dim=-1)
        return Encoded(*self.layer(rows, state))


class SegmentEncoder(nn.Module):
    """The recurrent layers, read `segment` rows at a time; the oldest rows that fill no segment are left out."""

    def __init__(self, config: LayerConfig, sizes: EncoderSizes) -> None:
        super().__init__()
        self.segment = sizes.segment
        self.join = Linear(sizes.segment * sizes.rows, config.hidden_size)
        self.static = Linear(sizes.static, config.hidden_size, bias=False) if sizes.static else None
        self.layer = recurrent_layer(config, config.hidden_size, sizes.lookback // sizes.segment)

    def forward(
        self,
        rows: Float[Tensor, "batch time rows"],
        static: Float[Tensor, "batch static"],
        state: Tensor | States | None = None,
    ) -> Encoded:
        """Read on from a state; zeros if None."""
        whole = rows.shape[1] // self.segment * self.segment
        joined = self.join(rows[:, -whole:].unflatten(1, (-1, self.segment)).flatten(2))  # (B, L / P, H)
        if self.static is not None:
            joined = joined + self.static(static)[:, None]
        return Encoded(*self.layer(torch.relu(joined), state))


def encoder(config: LayerConfig, sizes: EncoderSizes) -> StepEncoder | SegmentEncoder:
    """The encoder that reads `sizes.segment` rows for each update."""
    return StepEncoder(config, sizes) if sizes.segment == 1 else SegmentEncoder(config, sizes)
