"""Recurrent layers by name: one calling convention, `output, state = layer(x, state)`.

The state is a value that goes in and comes out; nothing is remembered on the module, so two forecasts can never share
one.
"""

from torch import nn

from gatecast.errors import OptionError
from gatecast.nn.config import LayerConfig
from gatecast.nn.initial_state import LearnedInitialState
from gatecast.nn.plain import initialize, plain_layer
from gatecast.nn.stacked import RecurrentStack
from gatecast.nn.stacking import Layer


def recurrent_layer(config: LayerConfig, input_size: int, lookback: int) -> nn.Module:
    """Build the stack; input and output are batch first: (B, T, input_size) -> (B, T, output_size).

    A plain stack is torch.nn's drop-in, or a layer called alike; the options of `RecurrentStack` make it one.

    Args:
        config: of the stack.
        input_size: features of the input.
        lookback: steps that a memory may have to span, for `initialization="chrono"`.

    Raises:
        OptionError: the cell cannot start as `initialization` says, or a dilation leaves a layer without its past.
    """
    layer = _plain(config, input_size, lookback) if config.is_plain else _stack(config, input_size, lookback)
    return LearnedInitialState(layer) if config.learn_initial_state else layer


def _plain(config: LayerConfig, input_size: int, lookback: int) -> Layer:
    stacked = {"num_layers": config.num_layers, "dropout": config.dropout}
    layer = plain_layer(config, input_size, batch_first=True, **stacked)
    initialize(layer, config.initialization, lookback)
    return layer


def _stack(config: LayerConfig, input_size: int, lookback: int) -> RecurrentStack:
    if max(config.dilations, default=0) >= lookback:
        raise OptionError(
            f"dilations={' '.join(map(str, config.dilations))} reach back {max(config.dilations)} steps, and with "
            f"lookback={lookback} that layer would never read its own past: lengthen the lookback, or skip fewer steps."
        )
    stack = RecurrentStack(config, input_size)
    for number, skip in enumerate(config.skips):
        initialize(stack.layer(number), config.initialization, lookback // skip)
    return stack
