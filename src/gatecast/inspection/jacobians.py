"""What one step makes of the states: its Jacobian, spectral radius and largest singular value.

A product of many Jacobians vanishes where their largest singular values stay below 1, and can explode only where the
spectral radius lies above (R. Pascanu, T. Mikolov & Y. Bengio 2013, arXiv 1211.5063, section 2.1).
"""

from collections.abc import Sequence
from functools import partial
from typing import cast

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from gatecast.cells.cell import pack_states, unpack_states
from gatecast.cells.equations import States
from gatecast.errors import OptionError
from gatecast.inspection.capturing import Call, Recurrent
from gatecast.nn import trace
from gatecast.nn.stacked import RecurrentStack
from gatecast.nn.stacking import state_shapes


def step_jacobians(layer: Recurrent, call: Call, updates: Sequence[int]) -> Float[Tensor, "sampled numbers numbers"]:
    """The derivative of the states after a step by those that it reads, at some updates of the first sequence.

    The states of all layers and directions stand end to end as in the layer's state; of a dilated layer they are the
    newest by the oldest of its queue.

    Args:
        layer: RNN, LSTM or GRU of gatecast.nn or torch.nn, or another layer of gatecast.nn.
        call: the input, not packed, and the state that the layer runs over.
        updates: where, ascending, from 0 to the number of updates - 1.

    Raises:
        OptionError: the sequences are packed.
    """
    x, first = _first_sequence(layer, call)
    time = 1 if layer.batch_first else 0
    rows = _queue_rows(layer)
    befores = _states(layer, x, first, updates) if rows is None else _queues(layer, x, first, updates)
    pairs = zip(updates, befores, strict=True)
    return torch.stack([_jacobian(layer, x.narrow(time, update, 1), before, rows) for update, before in pairs])


def spectra(jacobians: Float[Tensor, "sampled numbers numbers"]) -> tuple[np.ndarray, np.ndarray]:
    """The spectral radius and the largest singular value of each."""
    radius = torch.linalg.eigvals(jacobians).abs().amax(dim=-1)
    return radius.numpy(), torch.linalg.matrix_norm(jacobians, ord=2).numpy()


def own_shares(
    layer: Recurrent, jacobians: Float[Tensor, "sampled numbers numbers"]
) -> Float[np.ndarray, "sampled rows units"]:
    """How much of itself each unit of the first state hands on, for each layer and direction: the diagonal."""
    rows, _, units = _shapes(layer)[0]
    if (queues := _queue_rows(layer)) is not None:
        rows = len(queues)
    diagonal = jacobians.diagonal(dim1=1, dim2=2)[:, : rows * units]
    return diagonal.unflatten(1, (rows, units)).numpy()


def _first_sequence(layer: Recurrent, call: Call) -> tuple[Tensor, States]:
    """The first sequence of a call as a batch of one, and the states that it starts from."""
    x = call.x
    if not isinstance(x, Tensor):
        raise OptionError("a Jacobian is of sequences that are not packed: give one of them as a tensor.")
    batch = 0 if layer.batch_first else 1
    x = x.narrow(batch, 0, 1) if x.dim() == 3 else x.unsqueeze(batch)
    if call.state is None:
        return x, unpack_states(None, x, _shapes(layer))
    states = (call.state,) if isinstance(call.state, Tensor) else tuple(call.state)
    return x.detach(), tuple((each[:, :1] if each.dim() == 3 else each.unsqueeze(1)).detach() for each in states)


def _shapes(layer: Recurrent) -> list[tuple[int, ...]]:
    """The shape of each state of one sequence."""
    if isinstance(layer, RecurrentStack):
        return layer.state_shapes(1)
    return state_shapes(layer, torch.empty(1, 1, layer.input_size))


def _queue_rows(layer: Recurrent) -> list[tuple[int, int]] | None:
    """Where the oldest and the newest state of each layer's queue stand; None where there are no queues."""
    if not isinstance(layer, RecurrentStack) or max(layer.config.skips) == 1:
        return None
    ends = np.cumsum(layer.config.skips).tolist()
    return [(end - skip, end - 1) for end, skip in zip(ends, layer.config.skips, strict=True)]


@torch.no_grad()
def _queues(layer: Recurrent, x: Tensor, states: States, updates: Sequence[int]) -> list[States]:
    """The states before some updates, read on from one to the next."""
    found, done = [], 0
    for update in updates:
        if update > done:
            _, after = layer(x[:, done:update], pack_states(states))
            states, done = (after,) if isinstance(after, Tensor) else after, update
        found.append(states)
    return found


@torch.no_grad()
def _states(layer: Recurrent, x: Tensor, first: States, updates: Sequence[int]) -> list[States]:
    """The states before some updates; those of a backwards layer have read what comes after."""
    history = trace(layer, x, pack_states(first)).history
    length = len(next(iter(history.values())))

    def before(row: int, name: str, update: int) -> States:
        taken = length - 1 - update if name.endswith("_reverse") else update
        return history[name][taken - 1] if taken else tuple(state[row] for state in first)

    return [
        tuple(map(torch.stack, zip(*(before(row, name, at) for row, name in enumerate(history)), strict=True)))
        for at in updates
    ]


def _jacobian(
    layer: Recurrent, now: Tensor, before: States, queues: list[tuple[int, int]] | None
) -> Float[Tensor, "numbers numbers"]:
    """The Jacobian of one step of the whole layer."""
    oldest, newest = (slice(None), slice(None)) if queues is None else map(list, zip(*queues, strict=True))
    read = [state[oldest] for state in before]

    def step(numbers: Tensor) -> Tensor:
        parts = numbers.split([part.numel() for part in read])
        given = [state.clone() for state in before]
        for state, part, shown in zip(given, parts, read, strict=True):
            state[oldest] = part.view(shown.shape)
        after = trace(layer, now, pack_states(tuple(given))).state
        return torch.cat([part[newest].flatten() for part in ((after,) if isinstance(after, Tensor) else after)])

    numbers = torch.cat([part.flatten() for part in read])
    # Packed sequences, which a dilated layer is, are nothing that torch.func knows.
    of_step = torch.func.jacrev(step) if queues is None else partial(torch.autograd.functional.jacobian, step)
    return cast("Tensor", of_step(numbers)).detach()
