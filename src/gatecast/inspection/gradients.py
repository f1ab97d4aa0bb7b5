"""Where gradients flow: how much of a loss reaches the states before it.

d loss / d h[t-k] = J[t-k+1]^T ... J[t]^T d loss / d h[t]       J[s] = d h[s] / d h[s-1], `jacobians.py`
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from gatecast.cells.equations import States
from gatecast.inspection.capturing import recurrent_part, traced
from gatecast.inspection.probing import Probe
from gatecast.nn import Trace


def gradient_norms(loss: Float[Tensor, ""], traced: Trace, dilations: Sequence[int] = ()) -> Float[np.ndarray, " lags"]:
    """|d loss / d state| at the newest update, one before it, and so on; the mean over the sequences of the batch.

    All states of all layers and directions count together.

    Args:
        loss: made of the pass, as a sum over its sequences.
        traced: the pass, by `gatecast.nn.trace`, whose states lead to the loss.
        dilations: how many steps back each layer's state lies; none for 1.
    """
    states = [part for history in traced.history.values() for after in history for part in after]
    gradients = iter(torch.autograd.grad(loss, states, allow_unused=True))
    layers = list[Tensor]()
    for number, (name, history) in enumerate(traced.history.items()):
        squares = torch.stack([_squares(after, gradients) for after in history])  # (updates, B)
        if dilations:  # a round of updates stands side by side: (rounds, dilation * B)
            squares = squares.flatten().unflatten(0, (-1, squares.shape[1] // dilations[number]))
        squares = squares[: len(traced.outputs[name])]
        layers.append(squares if name.endswith("_reverse") else squares.flip(0))
    return torch.stack(layers).sum(dim=0).sqrt().mean(dim=1).numpy()


def forecast_gradients(asked: Probe) -> Float[np.ndarray, " lags"]:
    """The norms by lag, in updates, of the training loss of forecasts; of an ensemble by its first net."""
    own = asked.first_net()
    with traced(recurrent_part(own.network)) as traces:
        loss = own.loss() * len(own.values)
    return gradient_norms(loss, traces[0], own.network.config.layer.dilations)


def _squares(states: States, gradients: Iterator[Tensor | None]) -> Float[Tensor, " batch"]:
    """The squared norm of the next gradients, which are of these states, for each sequence."""
    total = states[0].new_zeros(len(states[0]))
    for _ in states:
        gradient = next(gradients)
        total = total if gradient is None else total + gradient.square().sum(dim=-1)
    return total
