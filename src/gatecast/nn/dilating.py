"""A layer that skips: step t reads the state of step t - d, not of step t - 1.

    t          0  1  2 | 3  4  5 | 6  7
    reads      a  b  c | 0  1  2 | 3  4        d = 3; a, b, c are the states that went in

S. Chang et al., "Dilated recurrent neural networks", NeurIPS 2017, arXiv 1710.02224, section 2.1.  These are d
recurrences, each of every d-th step, which do not meet: they run as d sequences, of which the first ones may have a
step more.  Packed sequences are just that, and (T, B, features) already lies in their order: no number is moved.

The state is a queue of the last d states, (d, B, H), oldest first: the next step reads the first.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from gatecast.cells.cell import pack_states
from gatecast.cells.equations import States
from gatecast.nn.sequences import Given
from gatecast.nn.stacking import Trace

Call = Callable[[Given, Tensor | States], Trace]


def run_dilated(call: Call, x: Float[Tensor, "time batch features"], queues: States, dilation: int) -> Trace:
    """The output at every step, the queues after the last one, and the gates and the states if `call` gives any.

    The states after each round of d steps stay joined, (d * B, H), for gradients flow through them as they are.

    Args:
        call: one layer in one direction, not batch first.
        x: the input.
        queues: of each state, (dilation, B, H).
        dilation: d, from 1 up.
    """
    if dilation == 1:
        return call(x, pack_states(queues))
    steps, batch = x.shape[:2]
    running = min(dilation, steps)  # of the d recurrences; the others have no step here
    first = tuple(queue[:running].reshape(1, running * batch, -1) for queue in queues)
    output, last, gates, history, outputs = call(fold(x, dilation), pack_states(first))
    states = (last,) if isinstance(last, Tensor) else last
    ends = zip((state.view(running, batch, -1) for state in states), queues, strict=True)
    after = tuple(torch.cat([end, queue[running:]]).roll(-steps, 0) for end, queue in ends)
    whole = output.data.unflatten(0, (steps, batch))
    shown = {name: _unfold(of_layer, steps, batch) for name, of_layer in gates.items()}
    return Trace(whole, pack_states(after), shown, history, _unfold(outputs, steps, batch))


def fold(x: Float[Tensor, "time batch features"], dilation: int) -> PackedSequence:
    """Every d-th step as a sequence of its own: d * B sequences, the first of them those that start at step 0."""
    steps, batch = x.shape[:2]
    full, rest = divmod(steps, dilation)
    rows = [dilation * batch] * full + [rest * batch] * (rest > 0)
    return PackedSequence(x.reshape(steps * batch, -1), torch.tensor(rows, device="cpu"))


def _unfold(moved: dict[str, Tensor], steps: int, batch: int) -> dict[str, Tensor]:
    """What moved in packed sequences, (rounds, d * B, H), padded at the end, by the steps that it belongs to."""
    return {name: each.flatten(0, 1).unflatten(0, (-1, batch))[:steps] for name, each in moved.items()}
