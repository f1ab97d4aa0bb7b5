"""One pass for each net of a stack: what it reads out at any cutoffs of its own series, each row read once."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from gatecast.cells.equations import States
from gatecast.data.tensors import PanelTensors
from gatecast.models.stack import NetStack

MOST_ROWS = 65_536  # of all series of all nets at once
LEAST_ROWS = 64  # of each series


class _Read(NamedTuple):
    """What the nets read: the series of each, from which row to which, and where the series of each cutoff stands."""

    series: Int64[Tensor, "nets series"]
    starts: Int64[Tensor, "nets series"]
    ends: Int64[Tensor, "nets series"]
    which: Int64[Tensor, "nets cutoffs"]


@torch.no_grad()
def outputs_of(
    stack: NetStack, tensors: PanelTensors, places: Int64[Tensor, "nets cutoffs two"]
) -> Float[Tensor, "nets cutoffs features"]:
    """What each net reads out at its places (the series, the row of the table at the position), from their start on.

    No row at or after the last place of a series is read.
    """
    reads = _reads(tensors, places)
    wanted = places[..., 1] - 1 - reads.starts.gather(1, reads.which)  # rows from the start of the series
    outputs = tensors.table.new_empty(*places.shape[:2], stack.output_size)
    longest = int((reads.ends - reads.starts).max())
    states: States = ()
    at_once = max(LEAST_ROWS, MOST_ROWS // reads.series.numel())
    for first in range(0, longest, at_once):
        time = min(at_once, longest - first)
        output, states = _read_on(stack, tensors, reads, (first, time), states)
        here = (wanted >= first) & (wanted < first + time)
        outputs[here] = output[_net_of(here), reads.which[here], wanted[here] - first]
    return outputs


def _read_on(
    stack: NetStack, tensors: PanelTensors, reads: _Read, rows: tuple[int, int], states: States
) -> tuple[Float[Tensor, "nets series time features"], States]:
    """So many rows from row `rows[0]` of each series on."""
    first, time = rows
    begin = torch.stack([reads.series, reads.starts + first], dim=-1).flatten(0, 1)
    return stack.read(tensors.stretch(begin, time, reads.ends.flatten()), states)


def _net_of(here: Bool[Tensor, "nets cutoffs"]) -> Int64[Tensor, " here"]:
    return here.nonzero()[:, 0]


def _reads(tensors: PanelTensors, places: Int64[Tensor, "nets cutoffs two"]) -> _Read:
    """A net with fewer series than another reads its first one again."""
    found = [torch.unique(own[:, 0], return_inverse=True) for own in places]
    most = max(len(own) for own, _ in found)
    series = torch.stack([torch.cat([own, own[:1].expand(most - len(own))]) for own, _ in found])
    which = torch.stack([at for _, at in found])
    starts = tensors.starts[series]
    ends = starts.scatter_reduce(1, which, places[..., 1], "amax")
    return _Read(series, starts, ends, which)
