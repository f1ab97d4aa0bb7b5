"""One pass: the encoder's output at any cutoffs of any series, each row of a series read once.

A backtest from every row of a test part reads the series once, and so does a forecast from its end: what it costs
depends on the rows, not on how many cutoffs there are or how far the state looks back.
"""

from collections.abc import Iterator

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gatecast.cells.equations import States
from gatecast.data.batches import PanelTensors
from gatecast.models.ensemble import Network

ROWS_AT_ONCE = 2048  # of each series, or more where few are read: what lies between two carried states
MOST_ROWS = 65_536  # of all series at once: a few dozen MB


@torch.no_grad()
def outputs_at(
    network: Network, tensors: PanelTensors, places: Int64[Tensor, "cutoffs two"]
) -> Float[Tensor, "cutoffs features"]:
    """The encoder's output at each place (the series, the row of the table at the position), from each series' start.

    No row at or after the last place of a series is read.
    """
    outputs = torch.empty(len(places), network.output_size, device=places.device)
    for chosen in _groups(tensors, places):
        _read_group(network, tensors, places[chosen], chosen, outputs)
    return outputs


@torch.no_grad()
def bounded_outputs_at(
    network: Network, tensors: PanelTensors, places: Int64[Tensor, "cutoffs two"], context: int
) -> Float[Tensor, "cutoffs features"]:
    """As `outputs_at`, from a state of zeros `context` rows before each place.

    A place with fewer rows before it is read from its series' start.
    """
    before = places[:, 1] - tensors.starts[places[:, 0]]
    outputs = torch.empty(len(places), network.output_size, device=places.device)
    early = torch.nonzero(before <= context).flatten()
    if len(early):
        outputs[early] = outputs_at(network, tensors, places[early])
    for chosen in torch.nonzero(before > context).flatten().split(max(1, MOST_ROWS // context)):
        first = torch.stack([places[chosen, 0], places[chosen, 1] - context], dim=1)
        read, _ = network.read(tensors.stretch(first, context, places[chosen, 1]), ())
        outputs[chosen] = read[:, -1]
    return outputs


def _groups(tensors: PanelTensors, places: Int64[Tensor, "cutoffs two"]) -> Iterator[Int64[Tensor, " chosen"]]:
    """Places whose series are read side by side: series of like length together, as many as memory holds."""
    series, which = torch.unique(places[:, 0], return_inverse=True)
    last = torch.zeros(len(series), dtype=torch.int64).scatter_reduce(0, which, places[:, 1], "amax")
    rank = torch.empty_like(series)
    rank[torch.argsort(last - tensors.starts[series], stable=True)] = torch.arange(len(series))
    longest = int((last - tensors.starts[series]).max()) if len(series) else 1
    group = rank[which] // max(1, MOST_ROWS // min(ROWS_AT_ONCE, longest))
    for number in range(int(group.max()) + 1 if len(group) else 0):
        yield torch.nonzero(group == number).flatten()


def _read_group(
    network: Network,
    tensors: PanelTensors,
    places: Int64[Tensor, "chosen two"],
    chosen: Int64[Tensor, " chosen"],
    outputs: Float[Tensor, "cutoffs features"],
) -> None:
    """Read some series side by side, and write the outputs of their places."""
    series, which = torch.unique(places[:, 0], return_inverse=True)
    starts = tensors.starts[series]
    ends = starts.scatter_reduce(0, which, places[:, 1], "amax")
    wanted = places[:, 1] - 1 - starts[which]  # the row whose output is wanted, counted from its series' start
    states: States = ()
    longest = int((ends - starts).max())
    at_once = max(ROWS_AT_ONCE, MOST_ROWS // len(series))
    for first in range(0, longest, at_once):
        time = min(at_once, longest - first)
        stretch = tensors.stretch(torch.stack([series, starts + first], dim=1), time, ends)
        output, states = network.read(stretch, states)
        here = torch.nonzero((wanted >= first) & (wanted < first + time)).flatten()
        outputs[chosen[here]] = output.flatten(0, 1).index_select(0, which[here] * time + wanted[here] - first)
