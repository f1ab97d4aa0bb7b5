"""The forms in which a sequence comes to a layer, and the one form in which it is run: time, batch, feature.

(T, B, I)          batch_first=False, torch.nn's default
(B, T, I)          batch_first=True
(T, I)             one sequence without a batch
PackedSequence     sequences of several lengths
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from gatecast.cells.equations import States

Given = Tensor | PackedSequence


class Steps(NamedTuple):
    """A sequence ready to be run.

    Attributes:
        x: the inputs, (T, B, I); of packed sequences that stay packed (N, I).
        real: which steps are observations and which are padding; None where all are observations.
        rows: of packed sequences that stay packed, how many have each step; else None.
    """

    x: Float[Tensor, "*lead features"]
    real: Bool[Tensor, "time batch one"] | None = None
    rows: Int64[Tensor, " time"] | None = None


def as_steps(given: Given, *, batch_first: bool, padded: bool = True) -> Steps:
    """The sequence as (T, B, I); packed sequences in their packed order, longest first.

    Args:
        given: to a layer.
        batch_first: whether the batch comes before time.
        padded: whether packed sequences are brought to one length by zeros; else they stay as they are.
    """
    if isinstance(given, PackedSequence) and not padded:
        return Steps(given.data, rows=given.batch_sizes)
    if isinstance(given, PackedSequence):
        x, lengths = pad_packed_sequence(_in_packed_order(given))
        real = torch.arange(len(x))[:, None] < lengths  # (T, B)
        return Steps(x, real.unsqueeze(-1).to(x.device))
    if given.dim() == 2:
        return Steps(given.unsqueeze(1))
    return Steps(given.transpose(0, 1) if batch_first else given)


def as_given(output: Float[Tensor, "*lead features"], given: Given, *, batch_first: bool) -> Given:
    """A layer's output, padded or packed as it was run, in the form of its input."""
    if isinstance(given, PackedSequence):
        if output.dim() == 3:
            output = pack_padded_sequence(output, pad_packed_sequence(_in_packed_order(given))[1]).data
        return PackedSequence(output, given.batch_sizes, given.sorted_indices, given.unsorted_indices)
    if given.dim() == 2:
        return output.squeeze(1)
    return output.transpose(0, 1) if batch_first else output


def states_to_steps(states: States, given: Given) -> States:
    """States (layers * directions, B, H) in the order in which the sequences are run, with a batch in any case."""
    if isinstance(given, PackedSequence):
        order = given.sorted_indices
        return states if order is None else tuple(state.index_select(1, order) for state in states)
    return tuple(state.unsqueeze(1) for state in states) if given.dim() == 2 else states


def states_to_given(states: States, given: Given) -> States:
    """The way back of `states_to_steps`."""
    if isinstance(given, PackedSequence):
        order = given.unsorted_indices
        return states if order is None else tuple(state.index_select(1, order) for state in states)
    return tuple(state.squeeze(1) for state in states) if given.dim() == 2 else states


def _in_packed_order(given: PackedSequence) -> PackedSequence:
    return PackedSequence(given.data, given.batch_sizes)
