"""A stack of recurrent layers with more between them than dropout: residuals, dilations, norms, and masks that hold.

    s_0 = x                                 what the first layer reads
    y_k = layer_k(drop(norm(s_k)))          norm above the first layer alone: of few features it would leave nothing
    s_k+1 = s_k + y_k                       with `residual`, above the first layer; else s_k+1 = y_k
    output = drop(norm(s_K))

Residuals stand around norm and layer (R. Xiong et al. 2020, arXiv 2002.04745, "pre-LN"); J. L. Ba, J. R. Kiros & G. E.
Hinton (2016), arXiv 1607.06450, eq. 4, normalise inside the recurrence instead, the sums that go into the gates.
"""

from functools import partial
from typing import TypeVar, cast, final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import dropout

from gatecast.cells import equations_of, zoned_out
from gatecast.cells.cell import check_sizes, pack_states, unpack_states
from gatecast.cells.equations import States
from gatecast.nn.config import SHARES, LayerConfig
from gatecast.nn.dilating import Call, run_dilated
from gatecast.nn.dropping import drop_weights, lock_dropout
from gatecast.nn.plain import plain_layer
from gatecast.nn.sequences import Given
from gatecast.nn.stacking import Layer, Trace, run_stack
from gatecast.nn.ways import OWN_CALL, Way

T = TypeVar("T")


@final
class RecurrentStack(nn.Module):
    """Layers of one cell with the options of a `LayerConfig`: `output, state = stack(x, state)`.

    x is (B, T, input_size), the output (B, T, output_size).  Each state is (rows, B, H), never batch first, as of
    torch.nn's layers: a layer has a row, with `bidirectional` two, and with a dilation of d its last d states, oldest
    first.  So the state that comes out after some steps goes in before the next ones, however many either are.  The
    masks of the dropouts are drawn anew by every call.

    Parameters: `layers.0.weight_ih_l0` and so on, as torch.nn names those of one layer; `norms.0.weight`, `.bias`.

    Args:
        config: cell, sizes and options; `initialization` and `learn_initial_state` are left to `recurrent_layer`.
        input_size: features of x.

    Raises:
        OptionError: input_size is below 1.
        ValueError: x or a state does not fit.
    """

    batch_first = True

    def __init__(self, config: LayerConfig, input_size: int) -> None:
        super().__init__()
        check_sizes(input_size=input_size)
        self.config, self.input_size = config, input_size
        self.num_layers, self.hidden_size = config.num_layers, config.hidden_size
        self.bidirectional = config.bidirectional
        sizes = [input_size] + [config.output_size] * (config.num_layers - 1)
        self.layers = nn.ModuleList(plain_layer(config, size) for size in sizes)
        normed = sizes if config.layer_norm else []
        self.norms = nn.ModuleList(nn.LayerNorm(config.output_size) for _ in normed)

    def forward(self, x: Given, state: Tensor | States | None = None) -> tuple[Tensor, Tensor | States]:
        """The output at every step, and the state after the last one."""
        output, after, *_ = self.run(x, state)
        return cast("Tensor", output), after

    def run(self, x: Given, state: Tensor | States | None = None, way: Way = OWN_CALL) -> Trace:
        """As the call; with the gates of each layer, and the states after each of its steps, as `way` has them."""
        given = self.check_input(x)
        queues = self._queues(given, state)
        below, runs = given.transpose(0, 1), list[Trace]()
        for number, (skip, own) in enumerate(zip(self.config.skips, queues, strict=True)):
            call = self._call(number, way)
            run = run_dilated(call, self._handed_up(number, below), own, skip)
            output = cast("Tensor", run.output)
            below = below + output if self.config.residual and number else output
            runs.append(run)
        states = ((run.state,) if isinstance(run.state, Tensor) else run.state for run in runs)
        after = tuple(torch.cat(of_layers) for of_layers in zip(*states, strict=True))
        gates = _by_layer([run.gates for run in runs])
        history = _by_layer([run.history for run in runs])
        outputs = _by_layer([run.outputs for run in runs])
        output = self._handed_up(self.num_layers, below).transpose(0, 1)
        return Trace(output, pack_states(after), gates, history, outputs)

    def check_input(self, x: Given) -> Tensor:
        """The input, if it is one."""
        if not isinstance(x, Tensor) or x.dim() != 3 or x.shape[-1] != self.input_size or not x.shape[1]:
            got = tuple(x.shape) if isinstance(x, Tensor) else "packed sequences"
            raise ValueError(f"the input of this stack is (batch, time, {self.input_size}), with a step; got {got}.")
        return x

    def _queues(self, x: Tensor, state: Tensor | States | None) -> list[States]:
        """The states of each layer."""
        states = unpack_states(state, x, self.state_shapes(len(x)))
        return list(zip(*(each.split(self._rows()) for each in states), strict=True))

    def state_shapes(self, batch: int) -> list[tuple[int, ...]]:
        """The shape of each state for so many sequences."""
        sizes = equations_of(self.layer(0)).state_sizes(self.hidden_size)
        return [(sum(self._rows()), batch, size) for size in sizes]

    def _rows(self) -> list[int]:
        """How many rows of the state each layer has."""
        return [skip * (2 if self.bidirectional else 1) for skip in self.config.skips]

    def _handed_up(self, number: int, x: Float[Tensor, "time batch features"]) -> Tensor:
        """What layer `number` reads of what is below it; above the last layer, what leaves the stack."""
        if number and self.config.layer_norm:
            x = self.norms[number - 1](x)
        if 0 < number < self.num_layers:
            x = dropout(x, self.config.dropout, self.training)
        return lock_dropout(x, self.config.variational_dropout, training=self.training)

    def extra_repr(self) -> str:
        """The options that are set, as they stand in a printed module."""
        names = ("residual", "dilations", "layer_norm", *SHARES)
        options = [f"{name}={getattr(self.config, name)}" for name in names if getattr(self.config, name)]
        return ", ".join([str(self.input_size), str(self.hidden_size), *options])

    def layer(self, number: int) -> Layer:
        """One of the layers."""
        return cast("Layer", self.layers[number])

    def _call(self, number: int, way: Way) -> Call:
        """One layer, as it runs: as `way` has it, or by equations that it does not have."""
        layer = drop_weights(self.layer(number), self.config.weight_dropout, training=self.training)
        if not self.config.zoneout:
            return partial(way.run, layer)
        equations = zoned_out(equations_of(layer), self.config.zoneout, random=self.training)
        return partial(run_stack, layer, keep=way.keep, by=equations)


def _by_layer(moved: list[dict[str, T]]) -> dict[str, T]:
    """What moved in each of the layers, which all have the name l0, by their numbers."""
    return {f"l{number}{name[2:]}": each for number, part in enumerate(moved) for name, each in part.items()}
