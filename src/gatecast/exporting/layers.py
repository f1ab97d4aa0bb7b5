"""Recurrent layers by the equations of their cells alone, which is what a graph can hold.

The operators of the C++ kernels mean nothing outside gatecast.  Here every layer of a net is replaced, in a copy, by
one that takes the same weights through `cells/`: one step where there is one row, else a loop that the graph keeps.
"""

from collections.abc import Callable
from copy import deepcopy
from typing import cast, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gatecast.cells import equations_of, zoned_out
from gatecast.cells.cell import pack_states, weights_of
from gatecast.cells.equations import Equations, States, Weights
from gatecast.models.decoders import RecurrentDecoder
from gatecast.models.ensemble import Network, nets_of
from gatecast.models.linear import Linear
from gatecast.nn.initial_state import LearnedInitialState
from gatecast.nn.stacked import RecurrentStack
from gatecast.nn.stacking import Layer, directions


def by_equations(network: Network) -> Network:
    """A copy of a net, or of an ensemble, that a graph can be made of."""
    copy = deepcopy(network).eval()
    for net in nets_of(copy):
        net.encoder.layer = StepwiseLayer(net.encoder.layer)
        if isinstance(net.decoder, RecurrentDecoder):
            net.decoder.layer = StepwiseLayer(net.decoder.layer)
    for module in list(copy.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, Linear):
                setattr(module, name, _plain(child))
    return copy


def _plain(linear: Linear) -> nn.Linear:
    """The same weights without filling batches up, which no graph needs."""
    plain = nn.Linear(linear.in_features, linear.out_features, bias=False)
    plain.weight, plain.bias = linear.weight, linear.bias
    return plain


StepOfLoop = Callable[[list[Tensor], Tensor], tuple[list[Tensor], Tensor]]


@final
class StepwiseLayer(nn.Module):
    """A layer of gatecast.nn by its cell's steps; called alike, batch first: `output, state = layer(x, state)`.

    Args:
        layer: any that `recurrent_layer` makes.
    """

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.learnt = layer if isinstance(layer, LearnedInitialState) else None
        self.stack = cast("Layer | RecurrentStack", layer.layer if isinstance(layer, LearnedInitialState) else layer)

    def forward(
        self, x: Float[Tensor, "batch time features"], state: Tensor | States | None = None
    ) -> tuple[Float[Tensor, "batch time hidden"], Tensor | States]:
        """The output at every step, and the state after the last."""
        if state is None:
            state = self._first(x)
        states = (state,) if isinstance(state, Tensor) else state
        below, row = x.transpose(0, 1), 0
        after: list[States] = []
        for number, skip in enumerate(self._skips()):
            read = self._handed_up(number, below)
            outputs: list[Tensor] = []
            for direction in directions(self._layer(number)):
                queues = tuple(part[row : row + skip] for part in states)  # each (skip, B, H)
                output, ends = self._run(number, direction, read, queues)
                outputs.append(output)
                after.append(ends)
                row += skip
            output = torch.cat(outputs, dim=-1) if len(outputs) > 1 else outputs[0]
            below = below + output if number and self._residual() else output
        joined = tuple(torch.cat(parts) for parts in zip(*after, strict=True))
        return self._handed_up(len(self._skips()), below).transpose(0, 1), pack_states(joined)

    def equations(self) -> Equations:
        """What is computed: the cell's equations, or what zoneout expects of them."""
        cell = equations_of(self._layer(0))
        share = self.stack.config.zoneout if isinstance(self.stack, RecurrentStack) else 0.0
        return zoned_out(cell, share, random=False) if share else cell

    def first_states(self) -> States:
        """The states that one sequence starts from, each (rows, 1, H)."""
        state = self._first(torch.zeros(1, 1, self.stack.input_size))
        return tuple(part.detach() for part in ((state,) if isinstance(state, Tensor) else state))

    def _first(self, x: Tensor) -> Tensor | States:
        if self.learnt is not None:
            return self.learnt._initial(x)  # noqa: SLF001 - the layer within is not to be run
        rows = sum(skip * len(directions(self._layer(n))) for n, skip in enumerate(self._skips()))
        sizes = self.equations().state_sizes(self.stack.hidden_size)
        return tuple(x.new_zeros(rows, x.shape[0], size) for size in sizes)

    def _run(
        self, number: int, direction: str, x: Float[Tensor, "time batch features"], queues: States
    ) -> tuple[Float[Tensor, "time batch hidden"], States]:
        """One direction of one layer: its output in the order of time, and its queues after the last step."""
        suffix = f"_l{0 if isinstance(self.stack, RecurrentStack) else number}{direction}"
        weights = weights_of(self._layer(number), suffix)
        output, after = over_time(self.equations(), weights, x.flip(0) if direction else x, queues)
        return (output.flip(0) if direction else output), after

    def _layer(self, number: int) -> Layer:
        return self.stack.layer(number) if isinstance(self.stack, RecurrentStack) else self.stack

    def _skips(self) -> tuple[int, ...]:
        return self.stack.config.skips if isinstance(self.stack, RecurrentStack) else (1,) * self.stack.num_layers

    def _residual(self) -> bool:
        return isinstance(self.stack, RecurrentStack) and self.stack.config.residual

    def _handed_up(self, number: int, x: Tensor) -> Tensor:
        if isinstance(self.stack, RecurrentStack) and number and self.stack.config.layer_norm:
            return self.stack.norms[number - 1](x)
        return x


def over_time(
    equations: Equations, weights: Weights, x: Float[Tensor, "time batch features"], queues: States
) -> tuple[Float[Tensor, "time batch hidden"], States]:
    """Steps of one layer; each reads the oldest of its queued states and puts the newest at the end."""
    wx, whole = equations.project(x, weights), torch.contiguous_format

    def step(carried: list[Tensor], now: Tensor) -> tuple[list[Tensor], Tensor]:
        after, _ = equations.step(now, tuple(queue[0] for queue in carried), weights)
        both = zip(carried, after, strict=True)
        moved = [torch.cat([queue[1:], state.unsqueeze(0)]).clone(memory_format=whole) for queue, state in both]
        return moved, after[0].clone()

    if len(x) > 1 and torch.compiler.is_exporting():
        return _looped(step, queues, wx)
    carried, outputs = list(queues), []
    for now in wx.unbind(0):
        carried, output = step(carried, now)
        outputs.append(output)
    return torch.stack(outputs), tuple(carried)


def _looped(step: StepOfLoop, queues: States, wx: Tensor) -> tuple[Tensor, States]:
    """The loop as one node of the graph."""
    from torch._higher_order_ops import scan  # noqa: PLC0415 - heavy, and only graphs need it

    carried, output = scan(step, [queue.clone(memory_format=torch.contiguous_format) for queue in queues], wx)
    return output, tuple(carried)
