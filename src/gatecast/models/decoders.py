"""Decoders: from what the encoder knows at the cutoff to every step of the horizon.

direct      all steps from the state at the cutoff
segments    `segment` steps at a time, each from the state at the cutoff and one more update of it
seq2seq     a layer of its own runs over the horizon, from a state made of the one at the cutoff
recursive   one step, which the encoder then reads as the next row (`network.py` goes round); this is the direct one

All read the state at the cutoff, the only one that has seen every observation.  Reading step k from an older state (as
when the states are shifted by the horizon) would forget the last H - k of them.  The last layer of each is zero at the
start: an untrained net forecasts its base, the naive forecast, and training can only add to it.
"""

from typing import Literal, NamedTuple, final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import pad

from gatecast.cells import equations_of
from gatecast.cells.cell import pack_states
from gatecast.cells.equations import States
from gatecast.models.linear import Linear
from gatecast.nn import LayerConfig, recurrent_layer

DecoderName = Literal["direct", "segments", "seq2seq", "recursive"]
PLACE = 16  # features of a step's place in the horizon
CONTEXT = 16  # features of each step's context
JOINT = 32  # units of the net shared by all steps


class AtCutoff(NamedTuple):
    """What the encoder knows at each cutoff.

    Attributes:
        output: of its top layer.
        state: of all its layers, as its layer gives it; None where only the output was kept.
        layer: the encoder's own layer, which can take more updates.
    """

    output: Float[Tensor, "cutoffs features"]
    state: Tensor | States | None
    layer: nn.Module


class DecoderSizes(NamedTuple):
    """What a decoder makes: rows of the horizon, in segments; what is known of each, and what is said of each."""

    horizon: int
    segment: int
    known: int
    outputs: int


class DirectDecoder(nn.Module):
    """All steps at once (Wen et al. 2017, MQ-RNN, section 3.2).

    Without known inputs this is one linear layer.  With them, the state gives each step a context, and a small net
    shared by all steps joins the context with what is known of that step (its hour, its holiday).
    """

    def __init__(self, layer: LayerConfig, sizes: DecoderSizes, dropout: float) -> None:
        super().__init__()
        self.sizes = sizes
        self.dropout = nn.Dropout(dropout)
        width = CONTEXT if sizes.known else sizes.outputs
        self.context = Linear(layer.output_size, sizes.horizon * width)
        if sizes.known:
            self.join = Linear(width + sizes.known, JOINT)
            self.output = Linear(JOINT, sizes.outputs)
        _start_at_zero(self.output if sizes.known else self.context)

    def forward(
        self, at: AtCutoff, known: Float[Tensor, "cutoffs horizon known"]
    ) -> Float[Tensor, "cutoffs horizon outputs"]:
        """One row of outputs for each step of the horizon."""
        context = self.context(self.dropout(at.output)).unflatten(-1, (self.sizes.horizon, -1))  # (n, H, width)
        if not self.sizes.known:
            return context
        return self.output(torch.relu(self.join(torch.cat([context, known], dim=-1))))


class SegmentDecoder(nn.Module):
    """Each segment of the horizon from one more update of the state (Lin et al. 2023, SegRNN, section 3.3).

    The encoder's own layer takes the update, all segments at once: it reads an embedding of the segment's place in the
    horizon and what is known in advance of its rows.
    """

    def __init__(self, layer: LayerConfig, sizes: DecoderSizes, dropout: float) -> None:
        super().__init__()
        self.sizes = sizes
        self.count = -(-sizes.horizon // sizes.segment)
        self.place = nn.Parameter(torch.randn(self.count, layer.hidden_size))
        self.known = Linear(sizes.segment * sizes.known, layer.hidden_size, bias=False) if sizes.known else None
        self.dropout = nn.Dropout(dropout)
        self.output = Linear(layer.output_size, sizes.segment * sizes.outputs)
        _start_at_zero(self.output)

    def forward(
        self, at: AtCutoff, known: Float[Tensor, "cutoffs horizon known"]
    ) -> Float[Tensor, "cutoffs horizon outputs"]:
        """One row of outputs for each step of the horizon."""
        count, sizes = known.shape[0], self.sizes  # len() would fix the batch of an exported graph
        x = self.place.expand(count, -1, -1)  # (n, segments, H)
        if self.known is not None:
            rows = pad(known, (0, 0, 0, self.count * sizes.segment - sizes.horizon))
            x = x + self.known(rows.unflatten(1, (self.count, sizes.segment)).flatten(2))
        output, _ = at.layer(x.flatten(0, 1).unsqueeze(1), repeated(at.state, self.count))
        said = self.output(self.dropout(output[:, 0]))  # (n * segments, segment * outputs)
        return said.view(count, self.count * sizes.segment, sizes.outputs)[:, : sizes.horizon]


@final
class RecurrentDecoder(nn.Module):
    """A layer of its own over the horizon (Sutskever et al. 2014, sequence to sequence, section 2).

    It has the encoder's cell, reads an embedding of each step's place in the horizon and what is known in advance of
    its row, and starts from a linear map of the encoder's output at the cutoff.
    """

    def __init__(self, layer: LayerConfig, sizes: DecoderSizes, dropout: float) -> None:
        super().__init__()
        names = ("cell", "nonlinearity", "reset_after", "hidden_size", "bias", "initialization")
        own = LayerConfig(**{name: getattr(layer, name) for name in names})  # one layer, with nothing between
        self.place = nn.Parameter(torch.randn(sizes.horizon, PLACE))
        self.layer = recurrent_layer(own, PLACE + sizes.known, sizes.horizon)
        equations = equations_of(self.layer)
        widths = zip(equations.states, equations.state_sizes(layer.hidden_size), strict=True)
        self.widths = [(width, name in equations.learnable) for name, width in widths]
        self.start = Linear(layer.output_size, sum(width for width, learnable in self.widths if learnable))
        self.known = sizes.known
        self.dropout = nn.Dropout(dropout)
        self.output = Linear(layer.hidden_size, sizes.outputs)
        _start_at_zero(self.output)

    def forward(
        self, at: AtCutoff, known: Float[Tensor, "cutoffs horizon known"]
    ) -> Float[Tensor, "cutoffs horizon outputs"]:
        """One row of outputs for each step of the horizon."""
        place = self.place.expand(at.output.shape[0], -1, -1)  # len() would fix the batch of an exported graph
        x = torch.cat([place, known], dim=-1) if self.known else place
        output, _ = self.layer(x.contiguous(), self._first(at.output))
        return self.output(self.dropout(output))

    def _first(self, output: Float[Tensor, "cutoffs features"]) -> Tensor | States:
        """The state before the first step; what cannot be learnt of it starts from zero."""
        said = self.start(output).unsqueeze(0)
        learnt = iter(said.split([width for width, learnable in self.widths if learnable], dim=-1))
        zeros = said.new_zeros
        return pack_states(
            tuple(
                next(learnt).contiguous() if learnable else zeros(1, output.shape[0], width)
                for width, learnable in self.widths
            )
        )


def repeated(state: Tensor | States | None, times: int) -> Tensor | States | None:
    """The state of each sequence `times` times; (layers, n * times, H)."""
    if state is None or isinstance(state, Tensor):
        return None if state is None else state.repeat_interleave(times, dim=1)
    return tuple(part.repeat_interleave(times, dim=1) for part in state)


def _start_at_zero(linear: Linear) -> None:
    nn.init.zeros_(linear.weight)
    nn.init.zeros_(linear.bias)


DECODERS: dict[str, type[DirectDecoder | SegmentDecoder | RecurrentDecoder]] = {
    "direct": DirectDecoder,
    "segments": SegmentDecoder,
    "seq2seq": RecurrentDecoder,
    "recursive": DirectDecoder,
}


class Highway(nn.Module):
    """A linear forecast from the window itself, added to the net's (Lai et al. 2018, LSTNet, section 3.5).

    One set of weights serves every target.  It starts at zero.
    """

    def __init__(self, lookback: int, horizon: int) -> None:
        super().__init__()
        self.linear = Linear(lookback, horizon)
        _start_at_zero(self.linear)

    def forward(self, window: Float[Tensor, "cutoffs lookback targets"]) -> Float[Tensor, "cutoffs horizon targets"]:
        """The linear part of the forecast."""
        return self.linear(window.transpose(1, 2)).transpose(1, 2)
