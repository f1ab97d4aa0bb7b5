"""A state to start from that is learnt with the weights, instead of zeros."""

from typing import final

from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from gatecast.cells import equations_of
from gatecast.cells.cell import pack_states
from gatecast.cells.equations import States
from gatecast.nn.sequences import Given
from gatecast.nn.stacked import RecurrentStack
from gatecast.nn.stacking import Layer


@final
class LearnedInitialState(nn.Module):
    """Wraps a layer; where no state is given, every sequence of the batch starts from the same learnt one.

    It starts at zero, so that an untrained wrapped layer equals the layer.  Parameters: `layer.*`, `initial_h` and, for
    the LSTM, `initial_c`, each (layers * directions, H); of the sLSTM only h is learnt.  A dilated layer has one learnt
    state, from which all of its recurrences start.

    Args:
        layer: RNN, LSTM or GRU of gatecast.nn or torch.nn, or another layer of gatecast.nn.

    Raises:
        OptionError: the module is not recurrent.
    """

    def __init__(self, layer: Layer | RecurrentStack) -> None:
        super().__init__()
        equations = equations_of(layer.layers[0] if isinstance(layer, RecurrentStack) else layer)
        self.layer = layer
        self._rows = _learnt_rows(layer)
        self._sizes = dict(zip(equations.states, equations.state_sizes(layer.hidden_size), strict=True))
        like, own = next(layer.parameters()), self._rows[-1] + 1
        for name in (each for each in equations.states if each in equations.learnable):
            self.register_parameter(f"initial_{name}", nn.Parameter(like.new_zeros(own, self._sizes[name])))

    def forward(self, x: Given, state: Tensor | States | None = None) -> tuple[Given, Tensor | States]:
        """The layer's output and state."""
        return self.layer(x, self._initial(x) if state is None else state)

    def _initial(self, x: Given) -> Tensor | States:
        """The learnt state, once for each sequence."""
        zeros = (x.data if isinstance(x, PackedSequence) else x).new_zeros
        learnt = (
            getattr(self, f"initial_{name}", zeros(self._rows[-1] + 1, size))[self._rows]
            for name, size in self._sizes.items()
        )  # each (rows of the state, H)
        if isinstance(x, Tensor) and x.dim() == 2:
            return pack_states(tuple(learnt))
        batch = int(x.batch_sizes[0]) if isinstance(x, PackedSequence) else x.shape[0 if self.layer.batch_first else 1]
        return pack_states(tuple(state.unsqueeze(1).expand(-1, batch, -1).contiguous() for state in learnt))


def _learnt_rows(layer: Layer | RecurrentStack) -> list[int]:
    """For each row of the layer's state, the learnt one that it starts from."""
    if isinstance(layer, RecurrentStack) and layer.config.dilations:
        return [number for number, skip in enumerate(layer.config.dilations) for _ in range(skip)]
    return list(range(layer.num_layers * (2 if layer.bidirectional else 1)))
