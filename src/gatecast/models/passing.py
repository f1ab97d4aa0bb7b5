"""One pass: the encoder's output at any cutoffs of any series, each row of a series read once.

A backtest from every row of a test part reads the series once, and so does a forecast from its end: what it costs
depends on the rows, not on how many cutoffs there are or how far the state looks back.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gatecast.cells.equations import States
from gatecast.data.tensors import PanelTensors
from gatecast.models.ensemble import Network
from gatecast.models.network import AtCutoffs
from gatecast.models.remembering import Memory

ROWS_AT_ONCE = 2048  # of each series, or more where few are read: what lies between two carried states
MOST_ROWS = 65_536  # of all series at once: a few dozen MB


@torch.no_grad()
def outputs_at(
    network: Network, tensors: PanelTensors, places: Int64[Tensor, "cutoffs two"], memory: Memory | None = None
) -> Float[Tensor, "cutoffs features"]:
    """The encoder's output at each place (the series, the row of the table at the position), from each series' start.

    No row at or after the last place of a series is read, and none that `memory` knows the states after.
    """
    outputs = tensors.table.new_empty(len(places), network.output_size)
    for passed in _read_all(network, tensors, places, memory):
        outputs[passed.which] = passed.output
    return outputs


@torch.no_grad()
def states_at(
    network: Network, tensors: PanelTensors, places: Int64[Tensor, "cutoffs two"], memory: Memory | None = None
) -> AtCutoffs:
    """As `outputs_at`, with the states of all layers, from which the net can read on."""
    kept = _Kept(network, places)
    for passed in _read_all(network, tensors, places, memory, cut=True):
        kept.put(passed.which, passed.output, tuple(part[:, passed.series] for part in passed.states))
    return kept.all


@torch.no_grad()
def bounded_outputs_at(
    network: Network, tensors: PanelTensors, places: Int64[Tensor, "cutoffs two"], context: int
) -> Float[Tensor, "cutoffs features"]:
    """As `outputs_at`, from a state of zeros `context` rows before each place.

    A place with fewer rows before it is read from its series' start.
    """
    return bounded_states_at(network, tensors, places, context).output


@torch.no_grad()
def bounded_states_at(
    network: Network, tensors: PanelTensors, places: Int64[Tensor, "cutoffs two"], context: int
) -> AtCutoffs:
    """As `bounded_outputs_at`, with the states of all layers."""
    before = places[:, 1] - tensors.starts[places[:, 0]]
    kept = _Kept(network, places)
    early = torch.nonzero(before <= context).flatten()
    if len(early):
        kept.put(early, *states_at(network, tensors, places[early]))
    for chosen in torch.nonzero(before > context).flatten().split(max(1, MOST_ROWS // context)):
        first = torch.stack([places[chosen, 0], places[chosen, 1] - context], dim=1)
        read, states = network.read(tensors.stretch(first, context, places[chosen, 1]), ())
        kept.put(chosen, read[:, -1], states)
    return kept.all


class _Kept:
    """What is read out at some places, filled in as a pass comes by them."""

    def __init__(self, network: Network, places: Int64[Tensor, "cutoffs two"]) -> None:
        self.all = AtCutoffs(torch.empty(len(places), network.output_size, device=places.device), ())

    def put(self, which: Int64[Tensor, " here"], output: Float[Tensor, "here features"], states: States) -> None:
        """Note the output and the states at some of the places."""
        if not self.all.states:
            count = len(self.all.output)
            whole = tuple(part.new_empty(len(part), count, part.shape[2]) for part in states)
            self.all = AtCutoffs(self.all.output, whole)
        self.all.output[which] = output
        for whole_part, part in zip(self.all.states, states, strict=True):
            whole_part[:, which] = part


def _groups(tensors: PanelTensors, places: Int64[Tensor, "cutoffs two"]) -> Iterator[Int64[Tensor, " chosen"]]:
    """Places whose series are read side by side: series of like length together, as many as memory holds."""
    series, which = torch.unique(places[:, 0], return_inverse=True)
    last = torch.zeros_like(series).scatter_reduce(0, which, places[:, 1], "amax")
    rank = torch.empty_like(series)
    rank[torch.argsort(last - tensors.starts[series], stable=True)] = torch.arange(len(series), device=series.device)
    longest = int((last - tensors.starts[series]).max()) if len(series) else 1
    group = rank[which] // max(1, MOST_ROWS // min(ROWS_AT_ONCE, longest))
    for number in range(int(group.max()) + 1 if len(group) else 0):
        yield torch.nonzero(group == number).flatten()


class Passed(NamedTuple):
    """One stretch of a pass, and the places whose rows are in it.

    Attributes:
        which: the places.
        output: at each of them.
        series: where the series of each stands in the states.
        states: after the stretch.
    """

    which: Int64[Tensor, " here"]
    output: Float[Tensor, "here features"]
    series: Int64[Tensor, " here"]
    states: States


def _read_all(
    network: Network,
    tensors: PanelTensors,
    places: Int64[Tensor, "cutoffs two"],
    memory: Memory | None,
    *,
    cut: bool = False,
) -> Iterator[Passed]:
    """Read all series, group by group; one group can be remembered: a single series, or all where few rows are read."""
    groups = list(_groups(tensors, places))
    for chosen in groups:
        for passed in _read_group(network, tensors, places[chosen], memory if len(groups) == 1 else None, cut=cut):
            yield passed._replace(which=chosen[passed.which])


def _read_group(
    network: Network,
    tensors: PanelTensors,
    places: Int64[Tensor, "chosen two"],
    memory: Memory | None,
    *,
    cut: bool,
) -> Iterator[Passed]:
    """Read some series side by side; `cut` ends a stretch at each place, so that the states there come out."""
    series, which = torch.unique(places[:, 0], return_inverse=True)
    starts = tensors.starts[series]
    ends = starts.scatter_reduce(0, which, places[:, 1], "amax")
    wanted = places[:, 1] - 1 - starts[which]  # the row whose output is wanted, counted from its series' start
    longest, begin = int((ends - starts).max()), int(wanted.min())
    known, states = (0, ()) if memory is None else memory.recall(network, tensors, series, begin)
    at_once = max(ROWS_AT_ONCE, MOST_ROWS // len(series))
    cuts = {*((wanted + 1).tolist() if cut else ()), *((begin,) if memory is not None else ())}
    borders = sorted(border for border in {*range(known, longest, at_once), longest, *cuts} if border >= known)
    for first, end in pairwise(borders):
        time = end - first
        stretch = tensors.stretch(torch.stack([series, starts + first], dim=1), time, ends)
        output, states = network.read(stretch, states)
        if memory is not None and end == begin:
            memory.keep(network, tensors, series, begin, states)
        here = torch.nonzero((wanted == end - 1) if cut else (wanted >= first) & (wanted < end)).flatten()
        rows = output.flatten(0, 1).index_select(0, which[here] * time + wanted[here] - first)
        yield Passed(here, rows, which[here], states)
